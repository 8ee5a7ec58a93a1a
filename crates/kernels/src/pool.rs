//! Pooling.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};

/// Mean over height and width, as `adaptive_avg_pool2d` with an output of one pixel.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, 1, 1]`
pub fn global_avg_pool(x: Tensor<4>) -> Tensor<4> {
    if flex::takes(&x) {
        Tensor::from_dispatch(Dispatch::kernel_global_avg_pool(x.into_dispatch()))
    } else {
        composed::global_avg_pool(x)
    }
}

/// Mean of each window of `side` by `side`; windows do not overlap. A window at the far edge
/// averages only the pixels inside the map: PyTorch's `ceil_mode=True, count_include_pad=False`.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, height / side, width / side]`, rounded up
pub fn avg_pool2d(x: Tensor<4>, side: usize) -> Tensor<4> {
    if flex::takes(&x) {
        Tensor::from_dispatch(Dispatch::kernel_avg_pool2d(x.into_dispatch(), side))
    } else {
        composed::avg_pool2d(x, side)
    }
}

/// Maximum of each window; padding never wins.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, (height + 2 padding - kernel) / stride + 1, ...]`
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    if flex::takes(&x) {
        Tensor::from_dispatch(Dispatch::kernel_max_pool2d(
            x.into_dispatch(),
            kernel,
            stride,
            padding,
        ))
    } else {
        composed::max_pool2d(x, kernel, stride, padding)
    }
}
