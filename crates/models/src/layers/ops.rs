//! The operations of the zoo's forward passes, so that each pass is written only once: [`Eager`]
//! computes it, [`crate::describe`] records it as a graph.

use burn::tensor::Tensor;
use kennel_kernels::{
    Activation, activate, avg_pool2d, conv2d_batch_norm_inference, global_avg_pool, max_pool2d, residual_add,
    scale_channels,
};

use super::{BatchNorm2d, Conv2d, DropPath};

/// The operations of the zoo, over values of shape `[batch, channels, height, width]`.
pub trait Ops {
    /// A value that passes through the network.
    type Value: Clone;

    /// A convolution without normalisation, with its bias if it has one.
    fn conv(&mut self, conv: &Conv2d, x: Self::Value) -> Self::Value;

    /// `norm(conv(x))`, with the activation of `norm`.
    fn conv_norm(&mut self, conv: &Conv2d, norm: &BatchNorm2d, x: Self::Value) -> Self::Value;

    /// The end of a residual block: `activation(drop_path(norm(conv(x))) + shortcut)`, where `norm`
    /// has no activation.
    fn conv_norm_add(
        &mut self,
        branch_end: (&Conv2d, &BatchNorm2d, &DropPath),
        x: Self::Value,
        shortcut: Self::Value,
        activation: Activation,
    ) -> Self::Value;

    /// Applies an activation to every element.
    fn activate(&mut self, x: Self::Value, activation: Activation) -> Self::Value;

    /// The maximum of every window of `kernel` by `kernel`.
    fn max_pool(&mut self, x: Self::Value, kernel: usize, stride: usize, padding: usize) -> Self::Value;

    /// The mean of adjacent windows of `side` by `side`. Windows that extend over the edge average
    /// only the pixels inside.
    fn avg_pool(&mut self, x: Self::Value, side: usize) -> Self::Value;

    /// The mean of every channel, `[batch, channels, 1, 1]`.
    fn global_avg_pool(&mut self, x: Self::Value) -> Self::Value;

    /// Multiplies every channel by its own factor, `[batch, channels, 1, 1]`.
    fn scale_channels(&mut self, x: Self::Value, factors: Self::Value) -> Self::Value;
}

/// Computes immediately, with the kernels. Convolution and normalisation are one operation where
/// the normalisation is in evaluation mode.
pub struct Eager;

impl Ops for Eager {
    type Value = Tensor<4>;

    fn conv(&mut self, conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        conv.forward(x)
    }

    fn conv_norm(&mut self, conv: &Conv2d, norm: &BatchNorm2d, x: Tensor<4>) -> Tensor<4> {
        match norm.constants() {
            Some(constants) if conv.bias.is_none() => conv2d_batch_norm_inference(
                x,
                conv.weight.val(),
                conv.spec,
                constants,
                None,
                norm.activation(),
                &conv.folded,
            ),
            _ => norm.forward(conv.forward(x)),
        }
    }

    fn conv_norm_add(
        &mut self,
        (conv, norm, drop_path): (&Conv2d, &BatchNorm2d, &DropPath),
        x: Tensor<4>,
        shortcut: Tensor<4>,
        activation: Activation,
    ) -> Tensor<4> {
        match norm.constants() {
            Some(constants) if conv.bias.is_none() && !drop_path.is_active() => conv2d_batch_norm_inference(
                x,
                conv.weight.val(),
                conv.spec,
                constants,
                Some(shortcut),
                activation,
                &conv.folded,
            ),
            _ => residual_add(drop_path.forward(norm.forward(conv.forward(x))), shortcut, activation),
        }
    }

    fn activate(&mut self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        activate(x, activation)
    }

    fn max_pool(&mut self, x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
        max_pool2d(x, kernel, stride, padding)
    }

    fn avg_pool(&mut self, x: Tensor<4>, side: usize) -> Tensor<4> {
        avg_pool2d(x, side)
    }

    fn global_avg_pool(&mut self, x: Tensor<4>) -> Tensor<4> {
        global_avg_pool(x)
    }

    fn scale_channels(&mut self, x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
        scale_channels(x, factors)
    }
}
