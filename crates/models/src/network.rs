//! One interface to every network of the zoo.

use std::ops::Range;

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use kennel_kernels::in_micro_batches;

use crate::architecture::Architecture;
use crate::backbone::Initial;
use crate::describer::Describer;
use crate::erased::ErasedBackbone;
use crate::graph::GraphValue;
use crate::layers::{Dropout, Eager, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::{Stage, is_under};
use crate::value::{FeatureTensor, Value, ValueOf};
use crate::{ModelError, Result, state_dict::parameter_names};

/// A network. A new one has zero weights: load or draw them.
#[derive(Clone, Debug)]
pub struct Network {
    architecture: Architecture,
    backbone: Box<dyn ErasedBackbone>,
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
        let backbone = architecture.constructor.make(classes, rates, device);
        Self { architecture: architecture.clone(), backbone }
    }

    /// Returns its architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Returns its stages in forward order; the last is the head.
    pub fn stages(&self) -> Vec<Stage> {
        self.backbone.stages()
    }

    /// Returns the name prefixes that the strategy `partial` trains by default.
    pub fn partial(&self) -> Vec<String> {
        self.backbone.partial()
    }

    /// Returns the layers that layer decay tells apart, from the stem up, each as the name prefixes
    /// of its tensors. The other tensors belong to the head's layer.
    pub fn rate_layers(&self) -> Vec<Vec<String>> {
        self.backbone.rate_layers()
    }

    /// Returns the classifier's name prefix, such as `fc`.
    pub fn head(&self) -> &'static str {
        self.architecture.head
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
                let stages: Vec<_> =
                    self.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
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
        self.infer_top(Value::Map(pixels), 0)
    }

    /// Computes logits, and the pooled outputs of the last two stages of the trunk, which tell
    /// unknown photos. In evaluation mode and off the autodiff tape, a few photos at a time; the
    /// logits are those of [`Network::infer`].
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` to `[batch, classes]` and `[batch, late features]`.
    pub fn infer_with_late_features(&self, pixels: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let late = self.late_stages();
        let both = in_micro_batches(pixels, self.architecture.micro_batch, |pixels| {
            let mut x = Value::Map(pixels);
            let mut found = Vec::new();
            for index in 0..self.head_stage() {
                x = self.backbone.compute_stage(index, x);
                if late.contains(&index) {
                    found.push(pooled(x.clone()));
                }
            }
            found.insert(0, self.classify(self.pre_logits(x)));
            Tensor::cat(found, 1)
        });
        let classes = self.classifier().bias.val().dims()[0];
        let [photos, width] = both.dims();
        let logits = both.clone().slice([0..photos, 0..classes]);
        (logits, both.slice([0..photos, classes..width]))
    }

    /// Computes the classifier's input, in evaluation mode and off the autodiff tape, a few photos
    /// at a time.
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` to `[batch, features]`.
    pub fn infer_features(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.infer_trunk(pixels, self.head_stage()).into_map().flatten(1, 3)
    }

    /// Returns the stages whose outputs tell unknown photos, by their index.
    pub fn late_stages(&self) -> Range<usize> {
        self.backbone.late_stages()
    }

    /// Returns the tensors that weight decay leaves out besides biases and those of one axis, by
    /// their whole name.
    pub fn no_weight_decay(&self) -> &'static [&'static str] {
        self.backbone.no_weight_decay()
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
    /// `[batch, 3, side, side]` to the last stage's output, or to the feature map
    /// `[batch, features, 1, 1]`.
    pub fn infer_trunk(&self, pixels: Tensor<4>, stages: usize) -> FeatureTensor {
        if stages == 0 {
            return Value::Map(pixels);
        }
        in_micro_batches(pixels, self.architecture.micro_batch, |pixels| {
            let below_head = 0..stages.min(self.head_stage());
            let features = self.forward_stages(Value::Map(pixels), below_head);
            if stages < self.head_stage() {
                return features;
            }
            let features = self.pre_logits(features);
            let [batch, channels] = features.dims();
            Value::Map(features.reshape([batch, channels, 1, 1]))
        })
    }

    /// Computes logits from the output of [`Network::infer_trunk`] for the same `stages`, recording
    /// gradients for tensors that are trained.
    ///
    /// # Shapes
    ///
    /// The shapes that [`Network::infer_trunk`] returns, to `[batch, classes]`.
    pub fn top(&self, features: FeatureTensor, stages: usize) -> Tensor<2> {
        if stages >= self.head_stage() {
            return self.classify(features.into_map().flatten(1, 3));
        }
        let last = self.forward_stages(features, stages..self.head_stage());
        self.classify(self.pre_logits(last))
    }

    /// [`Network::top`] in evaluation mode and off the autodiff tape, a few photos at a time.
    ///
    /// # Shapes
    ///
    /// As [`Network::top`].
    pub fn infer_top(&self, features: FeatureTensor, stages: usize) -> Tensor<2> {
        in_micro_batches(features, self.architecture.micro_batch, |features| {
            self.top(features, stages)
        })
    }

    /// The layers, for the files of this crate.
    pub(crate) fn backbone(&self) -> &dyn ErasedBackbone {
        &*self.backbone
    }

    /// Index of the head's stage, the last one.
    pub(crate) fn head_stage(&self) -> usize {
        self.stages().len() - 1
    }

    /// Computes logits from pixels.
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` (f32, RGB, normalised) to `[batch, classes]`.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.top(Value::Map(pixels), 0)
    }

    /// Runs consecutive stages below the head, by their indices in [`Network::stages`]: the first
    /// stage's input to the last one's output.
    pub fn forward_stages(&self, x: FeatureTensor, stages: Range<usize>) -> FeatureTensor {
        stages.fold(x, |x, index| self.backbone.compute_stage(index, x))
    }

    /// Computes the classifier's input from the last stage's output.
    ///
    /// # Shapes
    ///
    /// To `[batch, features]`.
    pub fn pre_logits(&self, x: FeatureTensor) -> Tensor<2> {
        self.backbone.compute_pre_logits(x).flatten(1, 3)
    }

    /// Runs the head.
    ///
    /// # Shapes
    ///
    /// `[batch, features]` to `[batch, classes]`.
    pub fn classify(&self, pre_logits: Tensor<2>) -> Tensor<2> {
        self.classifier().forward(self.head_drop().forward(pre_logits))
    }

    /// The dropout before the classifier.
    pub(crate) fn head_drop(&self) -> &Dropout {
        self.backbone.head_drop()
    }

    /// The last layer.
    pub(crate) fn classifier(&self) -> &Linear {
        self.backbone.classifier()
    }

    /// Says how a tensor starts when nothing is pretrained.
    pub(crate) fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        self.backbone.initial(name, shape)
    }

    /// Describes everything below the classifier. Returns the classifier's input, and the outputs
    /// of the late stages.
    pub(crate) fn describe_trunk(
        &self,
        describer: &mut Describer,
    ) -> (GraphValue, Vec<ValueOf<Describer>>) {
        let late_stages = self.backbone.late_stages();
        let (mut x, mut late) = (Value::Map(GraphValue::Pixels), Vec::new());
        for index in 0..self.head_stage() {
            x = self.backbone.describe_stage(describer, index, x);
            if late_stages.contains(&index) {
                late.push(x.clone());
            }
        }
        (self.backbone.describe_pre_logits(describer, x), late)
    }

    fn with_backbone(
        self,
        change: impl FnOnce(Box<dyn ErasedBackbone>) -> Box<dyn ErasedBackbone>,
    ) -> Self {
        Self { backbone: change(self.backbone), ..self }
    }
}

/// Burn derives no `Module` for a `Box`. The architecture adds nothing to the names of tensors.
impl Module for Network {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.backbone.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.with_backbone(|backbone| backbone.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.with_backbone(|backbone| backbone.to_device(device))
    }

    fn train(self) -> Self {
        self.with_backbone(|backbone| backbone.train())
    }

    fn valid(&self) -> Self {
        Self { architecture: self.architecture.clone(), backbone: self.backbone.valid() }
    }

    fn materialize(self) -> Self {
        self.with_backbone(|backbone| backbone.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.backbone.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.with_backbone(|backbone| backbone.map(mapper))
    }
}

/// The mean of every channel over pixels or tokens, `[batch, channels]`.
fn pooled(x: FeatureTensor) -> Tensor<2> {
    match x {
        Value::Map(map) => Eager.global_avg_pool(map),
        Value::Tokens(tokens) => Eager.mean_token(tokens),
    }
    .flatten(1, 3)
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
