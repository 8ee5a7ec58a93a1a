//! One interface to every network of the zoo.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use kennel_kernels::in_micro_batches;

use crate::efficientnet::EfficientNet;
use crate::layers::{Eager, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::resnet::ResNet;
use crate::stage::{Stage, is_under};
use crate::zoo::{Architecture, Family};
use crate::{ModelError, Result, state_dict::parameter_names};

/// A network. A new one has zero weights: load or draw them.
// Burn has no `Module` for `Box`, and there is only one network.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Network {
    /// Residual networks.
    ResNet(ResNet),
    /// EfficientNets and MobileNets.
    EfficientNet(EfficientNet),
}

impl Network {
    /// Makes a network of `architecture` with `classes` outputs and zero weights, in evaluation
    /// mode, off the autodiff tape.
    pub fn new(
        architecture: &Architecture,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        match &architecture.family {
            Family::ResNet(config) => Network::ResNet(ResNet::new(*config, classes, rates, device)),
            Family::EfficientNet(config) => {
                Network::EfficientNet(EfficientNet::new(&config(), classes, rates, device))
            }
        }
    }

    /// Returns its stages in forward order; the last is the head.
    pub fn stages(&self) -> Vec<Stage> {
        match self {
            Network::ResNet(network) => network.stages(),
            Network::EfficientNet(network) => network.stages(),
        }
    }

    /// Returns the name prefixes that the strategy `partial` trains by default.
    pub fn partial(&self) -> Vec<String> {
        match self {
            Network::ResNet(network) => network.partial(),
            Network::EfficientNet(network) => network.partial(),
        }
    }

    /// Returns the classifier's name prefix: `fc` or `classifier`.
    pub fn head(&self) -> &'static str {
        match self {
            Network::ResNet(_) => "fc",
            Network::EfficientNet(_) => "classifier",
        }
    }

    /// Checks that every prefix matches a trainable tensor.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownPart`], which lists the stages.
    pub fn check_parts(&self, model: &str, prefixes: &[String]) -> Result<()> {
        let names = parameter_names(self);
        for prefix in prefixes {
            if !names.iter().any(|name| is_under(name, prefix)) {
                let stages: Vec<_> = self.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
                return Err(ModelError::UnknownPart {
                    prefix: prefix.clone(),
                    model: model.into(),
                    nearest: kennel_core::did_you_mean(prefix, stages.iter().map(String::as_str))
                        .map(String::from),
                    stages,
                });
            }
        }
        Ok(())
    }

    /// Computes logits from pixels, in evaluation mode and off the autodiff tape, a few photos at a
    /// time.
    ///
    /// # Shapes
    ///
    /// As [`Network::forward`].
    pub fn infer(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.infer_top(pixels, 0)
    }

    /// [`Network::infer`] on plain values; returns one row of logits per photo.
    ///
    /// # Shapes
    ///
    /// `pixels`: `[count, 3, side, side]`.
    ///
    /// # Panics
    ///
    /// When `pixels` has another length.
    pub fn infer_rows(&self, pixels: Vec<f32>, count: usize, side: usize, device: &Device) -> Vec<Vec<f32>> {
        let data = TensorData::new(pixels, [count, 3, side, side]);
        rows(self.infer(Tensor::from_data(data, device)))
    }

    /// Counts the leading stages that have no tensor under `trained`.
    pub fn frozen_stages(&self, trained: &[String]) -> usize {
        let names = parameter_names(self);
        let is_trained = |stage: &Stage| {
            let moves = |name: &&String| trained.iter().any(|prefix| is_under(name, prefix));
            names.iter().filter(|name| stage.owns(name)).any(|name| moves(&name))
        };
        let stages = self.stages();
        stages.iter().position(is_trained).unwrap_or(stages.len())
    }

    /// Computes the output of the first `stages` stages, in evaluation mode and off the autodiff
    /// tape, a few photos at a time. With all stages but the head, that is the classifier's input.
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` to `[batch, channels, height, width]`, or
    /// `[batch, features, 1, 1]`.
    pub fn infer_trunk(&self, pixels: Tensor<4>, stages: usize) -> Tensor<4> {
        if stages == 0 {
            return pixels;
        }
        in_micro_batches(pixels, self.micro_batch(), |pixels| {
            let features = self.forward_stages(pixels, 0..stages.min(self.head_stage()));
            if stages < self.head_stage() {
                return features;
            }
            let features = self.pre_logits(features);
            let [batch, channels] = features.dims();
            features.reshape([batch, channels, 1, 1])
        })
    }

    /// Computes logits from the output of [`Network::infer_trunk`] for the same `stages`, recording
    /// gradients for tensors that are trained.
    ///
    /// # Shapes
    ///
    /// The shapes that [`Network::infer_trunk`] returns, to `[batch, classes]`.
    pub fn top(&self, features: Tensor<4>, stages: usize) -> Tensor<2> {
        if stages >= self.head_stage() {
            return self.classify(features.flatten(1, 3));
        }
        let last = self.forward_stages(features, stages..self.head_stage());
        self.classify(self.pre_logits(last))
    }

    /// [`Network::top`] in evaluation mode and off the autodiff tape, a few photos at a time.
    ///
    /// # Shapes
    ///
    /// As [`Network::top`].
    pub fn infer_top(&self, features: Tensor<4>, stages: usize) -> Tensor<2> {
        let logits = in_micro_batches(features, self.micro_batch(), |features| {
            let logits = self.top(features, stages);
            let [batch, classes] = logits.dims();
            logits.reshape([batch, classes, 1, 1])
        });
        logits.flatten(1, 3)
    }

    /// Index of the head's stage, the last one.
    fn head_stage(&self) -> usize {
        self.stages().len() - 1
    }

    /// Photos per micro-batch of inference. Light networks move more activations than weights, so
    /// few photos stay in cache; heavy networks move more weights.
    fn micro_batch(&self) -> usize {
        match self {
            Network::ResNet(_) => 8,
            Network::EfficientNet(_) => 1,
        }
    }

    /// Computes logits from pixels.
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` (f32, RGB, normalised) to `[batch, classes]`.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.top(pixels, 0)
    }

    /// Runs consecutive stages below the head, by their indices in [`Network::stages`].
    ///
    /// # Shapes
    ///
    /// `[batch, channels, height, width]`: the first stage's input to the last one's output.
    pub fn forward_stages(&self, x: Tensor<4>, stages: Range<usize>) -> Tensor<4> {
        self.pass_stages(&mut Eager, x, stages)
    }

    fn pass_stages<O: Ops>(&self, ops: &mut O, x: O::Value, stages: Range<usize>) -> O::Value {
        stages.fold(x, |x, index| match self {
            Network::ResNet(network) => network.forward_stage(ops, index, x),
            Network::EfficientNet(network) => network.forward_stage(ops, index, x),
        })
    }

    /// Runs all stages below the head and the layers between them and the classifier. Returns
    /// `[batch, features, 1, 1]`.
    pub(crate) fn pass_trunk<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        let last = self.pass_stages(ops, x, 0..self.head_stage());
        self.pass_pre_logits(ops, last)
    }

    fn pass_pre_logits<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        match self {
            Network::ResNet(network) => network.pre_logits(ops, x),
            Network::EfficientNet(network) => network.pre_logits(ops, x),
        }
    }

    /// The last layer.
    pub(crate) fn classifier(&self) -> &Linear {
        match self {
            Network::ResNet(network) => network.classifier(),
            Network::EfficientNet(network) => network.classifier(),
        }
    }

    /// Computes the classifier's input from the last stage's output.
    ///
    /// # Shapes
    ///
    /// `[batch, channels, height, width]` to `[batch, features]`.
    pub fn pre_logits(&self, x: Tensor<4>) -> Tensor<2> {
        self.pass_pre_logits(&mut Eager, x).flatten(1, 3)
    }

    /// Runs the head.
    ///
    /// # Shapes
    ///
    /// `[batch, features]` to `[batch, classes]`.
    pub fn classify(&self, pre_logits: Tensor<2>) -> Tensor<2> {
        match self {
            Network::ResNet(network) => network.classify(pre_logits),
            Network::EfficientNet(network) => network.classify(pre_logits),
        }
    }
}

/// Splits logits into one row per photo.
///
/// # Shapes
///
/// `[batch, classes]`.
pub fn rows(logits: Tensor<2>) -> Vec<Vec<f32>> {
    let classes = logits.dims()[1];
    let flat = logits.into_data().try_into_vec::<f32>().expect("logits are f32");
    flat.chunks_exact(classes).map(<[f32]>::to_vec).collect()
}
