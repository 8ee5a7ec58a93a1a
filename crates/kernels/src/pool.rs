//! Pooling.

use burn::tensor::{Tensor, module, ops::MaxPoolOptions};

/// Mean over height and width, as `adaptive_avg_pool2d` to one pixel.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, 1, 1]`
pub fn global_avg_pool(x: Tensor<4>) -> Tensor<4> {
    module::adaptive_avg_pool2d(x, [1, 1])
}

/// Largest value of each window; padding never wins.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, (height + 2 padding - kernel) / stride + 1, ...]`
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    module::max_pool2d(
        x,
        MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]),
    )
}
