//! The update step of Adam. It reads four arrays as large as the network and writes three: one pass
//! over them instead of ten.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};

/// Hyperparameters of one step, the same for every tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Number of steps taken, including this one.
    pub step: u64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Factor of the weight that is added to the gradient: Adam's L2 penalty.
    pub l2: f64,
    /// Factor that the weight is multiplied by first: AdamW's decay,
    /// `1 - learning_rate * weight_decay`.
    pub shrink: f64,
}

/// A parameter with its moments.
pub struct AdamState {
    /// The parameter.
    pub weight: Tensor<1>,
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of the squared gradient.
    pub second: Tensor<1>,
}

/// Does one step of Adam (Kingma and Ba 2015, algorithm 1), in PyTorch's order of operations. Not
/// differentiable.
///
/// # Shapes
///
/// All tensors have the same length.
pub fn adam_step(state: AdamState, gradient: Tensor<1>, step: &AdamStep) -> AdamState {
    let AdamState { weight, first, second } = &state;
    let is_fast = [weight, first, second, &gradient].iter().all(|x| flex::takes(x) && flex::is_plain(x));
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
