//! Linear interpolation: the step of a moving average, one pass over two arrays.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, PlainKernels};

/// Goes from `start` towards `end` by the share `weight` of the way, as `torch.lerp`; overwrites
/// `start` if no other tensor shares its memory. Not differentiable.
///
/// # Shapes
///
/// Both tensors have the same length.
pub fn lerp(start: Tensor<1>, end: Tensor<1>, weight: f64) -> Tensor<1> {
    let is_fast = [&start, &end].iter().all(|x| flex::takes(x) && flex::is_plain(x));
    if !is_fast {
        return composed::lerp(start, end, weight);
    }
    Tensor::from_dispatch(Dispatch::kernel_lerp(start.into_dispatch(), end.into_dispatch(), weight))
}
