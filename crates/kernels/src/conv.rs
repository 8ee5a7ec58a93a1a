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
    let y = Dispatch::kernel_conv2d(x.into_dispatch(), weight.into_dispatch(), spec);
    let y = Tensor::<4>::from_dispatch(y);
    // In the zoo only squeeze-and-excitation has biases, and its maps are one pixel, so a separate
    // addition is cheap.
    match bias {
        Some(bias) => {
            let outputs = bias.dims()[0];
            y + bias.reshape([1, outputs, 1, 1])
        }
        None => y,
    }
}
