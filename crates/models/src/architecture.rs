//! What an architecture is, as data.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Device;

use crate::backbone::Backbone;
use crate::erased::ErasedBackbone;
use crate::regularization::RegularizationRates;
use crate::{ModelError, Result};

/// An architecture: its name, what callers have to know about it, and how to make it. Stands beside
/// the definition of its family.
#[derive(Clone, Debug)]
pub struct Architecture {
    /// timm's name.
    pub name: &'static str,
    /// The group that lists show it in: `ConvNeXt`.
    pub group: &'static str,
    /// What the group is good for, in a few words.
    pub good_for: &'static str,
    /// Name prefix of the classifier: `fc`.
    pub head: &'static str,
    /// Name of the convolution that reads the pixels: `conv1`.
    pub first_conv: &'static str,
    /// How features become one vector, in timm's word: `avg` or `token`.
    pub global_pool: &'static str,
    /// How timm draws a new classifier.
    pub timm_head: HeadDraw,
    /// Side in pixels of the photos that its default weights take.
    pub side_px: u32,
    /// Sides that it takes are multiples of this many pixels: 1, or the side of a patch.
    pub side_step_px: u32,
    /// Side in pixels of the photos that tests run it on. Where the network takes any side, one
    /// that gives feature maps odd sides on the way down, so that windows hang over their edges.
    pub test_side_px: u32,
    /// Photos per micro-batch of inference. Light networks move more activations than weights, so
    /// few photos stay in cache; heavy networks move more weights.
    pub micro_batch: usize,
    /// Whether it is small enough for a demo or a test. Such networks are listed last.
    pub is_miniature: bool,
    /// Parameters with ImageNet's 1000 classes, without running statistics.
    pub parameters: u64,
    /// Multiply-accumulates for one photo of `side_px`.
    pub macs: u64,
    /// Makes the network.
    pub constructor: Constructor,
}

impl Architecture {
    /// Puts networks into a group.
    pub(crate) fn grouped(
        group: &'static str,
        good_for: &'static str,
        networks: impl IntoIterator<Item = Self>,
    ) -> impl Iterator<Item = Self> {
        networks.into_iter().map(move |network| Self { group, good_for, ..network })
    }

    /// Checks that the network takes photos of a side.
    ///
    /// # Errors
    ///
    /// [`ModelError::WrongSide`].
    pub fn check_side(&self, side_px: u32) -> Result<()> {
        let (model, step_px) = (self.name, self.side_step_px);
        if side_px.is_multiple_of(step_px) {
            Ok(())
        } else {
            Err(ModelError::WrongSide { model, side_px, step_px })
        }
    }
}

/// The bounds of a classifier that is drawn uniformly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeadDraw {
    /// Weights and bias within `+-1/sqrt(features)`, as PyTorch's `nn.Linear`.
    FanIn,
    /// Weights within `+-1/sqrt(classes)`, bias zero.
    FanOut,
    /// Weights with a small standard deviation, bias zero.
    ///
    /// Differs: timm draws them from a normal distribution.
    Narrow {
        /// Standard deviation of the weights.
        deviation: f64,
    },
}

/// Makes a network of one architecture: its layers with zero weights, in evaluation mode, off the
/// autodiff tape.
#[derive(Clone)]
pub struct Constructor(Arc<Construct>);

type Construct =
    dyn Fn(usize, RegularizationRates, &Device) -> Box<dyn ErasedBackbone> + Send + Sync;

impl Constructor {
    /// Wraps a function of the number of classes, the rates and the device.
    pub fn new<B: Backbone>(
        make: impl Fn(usize, RegularizationRates, &Device) -> B + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |classes, rates, device| Box::new(make(classes, rates, device))))
    }

    pub(crate) fn make(
        &self,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Box<dyn ErasedBackbone> {
        (self.0)(classes, rates, device)
    }
}

impl fmt::Debug for Constructor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Constructor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture;

    #[test]
    fn a_transformer_takes_sides_that_are_multiples_of_its_patch() {
        let dino = architecture("vit_small_patch14_dinov2").unwrap();
        dino.check_side(224).unwrap();
        let error = dino.check_side(230).unwrap_err();
        assert!(matches!(error, ModelError::WrongSide { side_px: 230, step_px: 14, .. }));
        architecture("resnet18").unwrap().check_side(225).unwrap();
    }
}
