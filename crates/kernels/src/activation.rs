//! Elementwise activations.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};

/// Activations that the networks use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * sigmoid(x)`, also called swish.
    Silu,
    /// `x * hard_sigmoid(x)` (Howard et al. 2019, section 5.2).
    HardSwish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
}

/// Applies `activation` to every element.
pub fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    if activation == Activation::Identity {
        x
    } else if flex::takes(&x) {
        Tensor::from_dispatch(Dispatch::kernel_activate(x.into_dispatch(), activation))
    } else {
        composed::activate(x, activation)
    }
}
