//! Activations, residual sums, and scaling of channels.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, Kernels};
use crate::types::Activation;

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

/// Adds a residual branch and its shortcut: `activation(branch + shortcut)`.
///
/// # Shapes
///
/// All `[batch, channels, height, width]`.
pub fn residual_add(branch: Tensor<4>, shortcut: Tensor<4>, activation: Activation) -> Tensor<4> {
    if !(flex::takes(&branch) && flex::takes(&shortcut)) {
        return composed::residual_add(branch, shortcut, activation);
    }
    let add = |activation| {
        let sum = Dispatch::kernel_residual_add(
            branch.into_dispatch(),
            shortcut.into_dispatch(),
            activation,
        );
        Tensor::from_dispatch(sum)
    };
    if flex::has_slope_from_value(activation) {
        add(activation)
    } else {
        activate(add(Activation::Identity), activation)
    }
}

/// Multiplies every channel of every photo by its own factor.
///
/// # Shapes
///
/// - `x` and result: `[batch, channels, height, width]`
/// - `factors`: `[batch, channels, 1, 1]`
pub fn scale_channels(x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
    if flex::takes(&x) && flex::takes(&factors) {
        Tensor::from_dispatch(Dispatch::kernel_scale_channels(
            x.into_dispatch(),
            factors.into_dispatch(),
        ))
    } else {
        composed::scale_channels(x, factors)
    }
}
