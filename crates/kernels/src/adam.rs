//! The update of Adam, which reads and writes four arrays as large as the network: one pass instead of ten.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};

/// The numbers of one step, the same for every tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Steps taken, this one included.
    pub step: u64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Times the weight, added to the gradient: Adam's L2 penalty.
    pub l2: f64,
    /// What the weight is multiplied by first: AdamW's decay, `1 - rate decay`.
    pub shrink: f64,
}

/// A tensor with its moments.
pub struct AdamState {
    /// What is trained.
    pub weight: Tensor<1>,
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of its square.
    pub second: Tensor<1>,
}

/// One step of Adam (Kingma and Ba 2015, algorithm 1), in PyTorch's order of operations. Nothing is differentiated.
///
/// # Shapes
///
/// All of one length.
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
