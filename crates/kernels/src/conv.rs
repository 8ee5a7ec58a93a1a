//! Two-dimensional convolution.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};
use crate::types::ConvSpec;

/// Two-dimensional cross-correlation, as `torch.nn.functional.conv2d`.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`: `[outputs, channels / groups, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - result: `[batch, outputs, height', width']` with
///   `height' = (height + zeros - dilation (kernel - 1) - 1) / stride + 1`, with the zeros of
///   [`Padding::around`](crate::Padding::around)
///
/// # Panics
///
/// When the shapes disagree, or `groups` does not divide the channels.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    spec: ConvSpec,
) -> Tensor<4> {
    let is_fast = flex::takes(&x)
        && flex::takes(&weight)
        && flex::conv_is_supported(x.dims()[1], weight.dims(), spec);
    if !is_fast {
        return composed::conv2d(x, weight, bias, spec);
    }
    // A pointwise bias is added apart: the only ones in networks that are published under this
    // revision are those of squeeze-and-excitation, whose maps are one pixel. Its gradient must
    // stay the sum that Burn computes.
    if let Some(bias) = bias.as_ref().filter(|bias| weight.dims()[2] > 1 && flex::takes(bias)) {
        return Tensor::from_dispatch(Dispatch::kernel_conv2d_bias(
            x.into_dispatch(),
            weight.into_dispatch(),
            bias.clone().into_dispatch(),
            spec,
        ));
    }
    let y = Dispatch::kernel_conv2d(x.into_dispatch(), weight.into_dispatch(), spec);
    let y = Tensor::<4>::from_dispatch(y);
    match bias {
        Some(bias) => {
            let outputs = bias.dims()[0];
            y + bias.reshape([1, outputs, 1, 1])
        }
        None => y,
    }
}
