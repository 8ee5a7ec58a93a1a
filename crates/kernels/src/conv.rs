//! Two-dimensional convolution.

use burn::tensor::{Tensor, module, ops::ConvOptions};

/// Geometry of a square convolution, symmetric in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Step between two outputs, in input pixels.
    pub stride: usize,
    /// Zeros added on every side.
    pub padding: usize,
    /// Step between two taps of the kernel.
    pub dilation: usize,
    /// Independent groups of channels; as many as channels for a depthwise convolution.
    pub groups: usize,
}

/// Two-dimensional cross-correlation, as `torch.nn.functional.conv2d`.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`: `[outputs, channels / groups, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - result: `[batch, outputs, height', width']` with
///   `height' = (height + 2 padding - dilation (kernel - 1) - 1) / stride + 1`
///
/// # Panics
///
/// When the shapes disagree, or `groups` does not divide the channels.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, spec: ConvSpec) -> Tensor<4> {
    let ConvSpec { stride, padding, dilation, groups } = spec;
    let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], groups);
    module::conv2d(x, weight, bias, options)
}
