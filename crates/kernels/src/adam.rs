//! The update step of Adam. It reads four arrays as large as the network and writes three: one pass
//! over them instead of ten.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, PlainKernels};
use crate::types::{AdamState, AdamStep};

/// Does one step of Adam (Kingma and Ba 2015, algorithm 1), in PyTorch's order of operations. Not
/// differentiable.
///
/// # Shapes
///
/// All tensors have the same length.
pub fn adam_step(state: AdamState, gradient: Tensor<1>, step: &AdamStep) -> AdamState {
    let AdamState { weight, first, second } = &state;
    let is_fast =
        [weight, first, second, &gradient].iter().all(|x| flex::takes(x) && flex::is_plain(x));
    if !is_fast {
        return composed::adam_step(state, gradient, step);
    }
    let AdamState { weight, first, second } = state;
    let (weight, first, second) = Dispatch::kernel_adam_step(
        weight.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        gradient.into_dispatch(),
        *step,
    );
    AdamState {
        weight: Tensor::from_dispatch(weight),
        first: Tensor::from_dispatch(first),
        second: Tensor::from_dispatch(second),
    }
}
