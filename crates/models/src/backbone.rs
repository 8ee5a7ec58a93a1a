//! What a family of networks does.

use std::ops::Range;

use burn::module::Module;

use crate::layers::{Dropout, Linear, Ops};
use crate::stage::Stage;
use crate::value::ValueOf;

/// A network of one family: a tree of layers whose fields have timm's state-dict names, and its
/// forward pass, stage by stage.
///
/// All its tensors are floats. The dropout before the classifier is the field `head_drop`: it has
/// no tensors, so it follows the classifier into training.
pub trait Backbone: Module + Sync + 'static {
    /// Returns its stages in forward order; the last is the head.
    fn stages(&self) -> Vec<Stage>;

    /// Returns the name prefixes that the strategy `partial` trains by default. The last one is the
    /// classifier's.
    fn partial(&self) -> Vec<String>;

    /// Returns the layers that layer decay tells apart, from the stem up, each as the name prefixes
    /// of its tensors: the stem and every block, as in timm's `group_matcher`. The other tensors
    /// belong to the head's layer.
    fn rate_layers(&self) -> Vec<Vec<String>>;

    /// Returns the stages whose pooled outputs tell unknown photos, as indices into
    /// [`Backbone::stages`]: the last two of the trunk. A convolution of one pixel or a
    /// normalisation before the head is not among them.
    fn late_stages(&self) -> Range<usize> {
        let head = self.stages().len() - 1;
        head - 2..head
    }

    /// Returns the tensors that weight decay leaves out besides biases and those of one axis, by
    /// their whole name: timm's `no_weight_decay`. The default has the names of timm's
    /// transformers, which no network of convolutions has.
    fn no_weight_decay(&self) -> &'static [&'static str] {
        &["pos_embed", "cls_token", "reg_token", "dist_token"]
    }

    /// Runs one stage below the head, by its index in [`Backbone::stages`]. The first one gets the
    /// pixels, a feature map `[batch, 3, side, side]`.
    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O>;

    /// Returns the stage that explanations look into, as an index into [`Backbone::stages`]: the
    /// last one whose output still has places.
    fn explained_stage(&self) -> usize {
        self.late_stages().end - 1
    }

    /// Runs [`Backbone::explained_stage`] and passes the value that explanations look into through
    /// `watch`: the stage's output, or a value inside the stage through which all evidence of the
    /// photo's places passes.
    fn forward_explained<O: Ops>(
        &self,
        ops: &mut O,
        x: ValueOf<O>,
        watch: impl FnOnce(ValueOf<O>) -> ValueOf<O>,
    ) -> ValueOf<O> {
        watch(self.forward_stage(ops, self.explained_stage(), x))
    }

    /// Counts the tokens before those of the patches, such as a class token.
    fn other_tokens(&self) -> usize {
        0
    }

    /// Computes the classifier's input, `[batch, features, 1, 1]`, from the output of the last
    /// stage below the head. Has no tensors of its own: it counts as frozen when the head alone is
    /// trained.
    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map;

    /// Returns the dropout before the classifier.
    fn head_drop(&self) -> &Dropout;

    /// Returns the last layer.
    fn classifier(&self) -> &Linear;

    /// Says how a tensor starts when nothing is pretrained. The classifier's own are drawn
    /// afterwards, as every new head is.
    fn initial(&self, name: &str, shape: &[usize]) -> Initial;
}

/// The values of a tensor before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// One value everywhere.
    Constant(f32),
    /// Uniform draws within plus or minus `bound`.
    Uniform {
        /// Largest absolute value.
        bound: f64,
    },
}

impl Initial {
    /// Draws a convolution uniformly with variance `2 / fan_out` (He et al. 2015).
    ///
    /// # Shapes
    ///
    /// `[outputs, channels / groups, height, width]`.
    pub fn convolution([outputs, channels, height, width]: [usize; 4]) -> Self {
        // A depthwise convolution has one channel per group: each weight feeds as many outputs as
        // the kernel has taps.
        let groups = if channels == 1 { outputs } else { 1 };
        let fan_out = (outputs / groups * height * width) as f64;
        Initial::Uniform { bound: (6.0 / fan_out).sqrt() }
    }

    /// The start of a network of convolutions and BatchNorm: [`Initial::convolution`], and
    /// normalisation as the identity.
    pub(crate) fn of_convolutional_network(name: &str, shape: &[usize]) -> Self {
        match *shape {
            [outputs, channels, height, width] => {
                Self::convolution([outputs, channels, height, width])
            }
            [_] if name.ends_with(".weight") || name.ends_with(".running_var") => {
                Initial::Constant(1.0)
            }
            _ => Initial::Constant(0.0),
        }
    }

    /// The start of a network of tokens: matrices as Glorot and Bengio (2010), learned tokens and
    /// position embeddings near zero, normalisation as the identity.
    pub(crate) fn of_transformer(name: &str, shape: &[usize]) -> Self {
        match *shape {
            [outputs, features] | [outputs, features, 1, 1] => {
                Initial::Uniform { bound: (6.0 / (outputs + features) as f64).sqrt() }
            }
            [outputs, channels, height, width] => {
                Self::convolution([outputs, channels, height, width])
            }
            [_, _, _] => Initial::Uniform { bound: 0.02 },
            _ if name.ends_with(".weight") => Initial::Constant(1.0),
            _ => Initial::Constant(0.0),
        }
    }
}
