//! Where two paths through a network meet.

use burn::tensor::Tensor;

use crate::{Activation, activate};

/// A residual branch and its shortcut: `activation(branch + shortcut)`.
///
/// # Shapes
///
/// All `[batch, channels, height, width]`.
pub fn residual_add(branch: Tensor<4>, shortcut: Tensor<4>, activation: Activation) -> Tensor<4> {
    activate(branch + shortcut, activation)
}

/// Every channel of every photo times its own factor.
///
/// # Shapes
///
/// - `x` and result: `[batch, channels, height, width]`
/// - `factors`: `[batch, channels, 1, 1]`
pub fn scale_channels(x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
    x * factors
}
