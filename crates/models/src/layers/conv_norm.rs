//! Convolution and normalisation as one step, which they are wherever nothing is trained.

use burn::tensor::Tensor;
use kennel_kernels::{Activation, conv2d_batch_norm_inference, residual_add};

use super::{BatchNorm2d, Conv2d, DropPath};

/// `norm(conv(x))`, with the activation of `norm`.
///
/// # Shapes
///
/// As [`Conv2d::forward`].
pub fn conv_norm(conv: &Conv2d, norm: &BatchNorm2d, x: Tensor<4>) -> Tensor<4> {
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

/// The end of a residual block: `activation(drop_path(norm(conv(x))) + shortcut)`, where `norm` has no activation.
///
/// # Shapes
///
/// `x` as in [`Conv2d::forward`]; `shortcut` and the result: its output.
pub fn conv_norm_add(
    conv: &Conv2d,
    norm: &BatchNorm2d,
    drop_path: &DropPath,
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
