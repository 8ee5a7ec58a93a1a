//! Any network of the zoo, by one set of verbs.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::efficientnet::EfficientNet;
use crate::regularization::RegularizationRates;
use crate::resnet::ResNet;
use crate::stage::{Stage, is_under};
use crate::zoo::{Architecture, Family};
use crate::{ModelError, Result, state_dict::parameter_names};

/// A network. A new one has zero weights: load or draw them.
// A box is not a module in Burn; there is one of these.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Network {
    /// Residual networks.
    ResNet(ResNet),
    /// EfficientNets and MobileNets.
    EfficientNet(EfficientNet),
}

impl Network {
    /// A network of `architecture` with `classes` outputs and zero weights, in evaluation mode, off the tape.
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

    /// Its parts in the order in which a photo passes through them; the last is the head.
    pub fn stages(&self) -> Vec<Stage> {
        match self {
            Network::ResNet(network) => network.stages(),
            Network::EfficientNet(network) => network.stages(),
        }
    }

    /// Prefixes of what `partial` trains by default.
    pub fn partial(&self) -> Vec<String> {
        match self {
            Network::ResNet(network) => network.partial(),
            Network::EfficientNet(network) => network.partial(),
        }
    }

    /// Prefix of the classifier: `fc` or `classifier`.
    pub fn head(&self) -> &'static str {
        match self {
            Network::ResNet(_) => "fc",
            Network::EfficientNet(_) => "classifier",
        }
    }

    /// Checks that every prefix names something that can be trained.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownPart`], with the stages there are.
    pub fn check_parts(&self, model: &str, prefixes: &[String]) -> Result<()> {
        let names = parameter_names(self);
        for prefix in prefixes {
            if !names.iter().any(|name| is_under(name, prefix)) {
                let stages: Vec<_> = self.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
                return Err(ModelError::UnknownPart {
                    prefix: prefix.clone(),
                    model: model.into(),
                    hint: kennel_core::hint_did_you_mean(prefix, stages.iter().map(String::as_str)),
                    stages: stages.join(", "),
                });
            }
        }
        Ok(())
    }

    /// From pixels to logits.
    ///
    /// # Shapes
    ///
    /// `[batch, 3, side, side]` (f32, RGB, normalised) to `[batch, classes]`.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        let trunk = 0..self.stages().len() - 1;
        self.classify(self.pre_logits(self.forward_stages(pixels, trunk)))
    }

    /// Through some consecutive stages below the head, by their places in [`Network::stages`].
    ///
    /// # Shapes
    ///
    /// `[batch, channels, height, width]` of the first stage's input to that of the last one's output.
    pub fn forward_stages(&self, x: Tensor<4>, stages: Range<usize>) -> Tensor<4> {
        stages.fold(x, |x, index| match self {
            Network::ResNet(network) => network.forward_stage(index, x),
            Network::EfficientNet(network) => network.forward_stage(index, x),
        })
    }

    /// What the classifier sees of the last stage's output.
    ///
    /// # Shapes
    ///
    /// `[batch, channels, height, width]` to `[batch, features]`.
    pub fn pre_logits(&self, x: Tensor<4>) -> Tensor<2> {
        match self {
            Network::ResNet(network) => network.pre_logits(x),
            Network::EfficientNet(network) => network.pre_logits(x),
        }
    }

    /// The head.
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
