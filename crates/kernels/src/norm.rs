//! Batch normalisation, with the activation that follows it.

use burn::tensor::{Tensor, module};

use crate::{Activation, activate};

/// What a training-mode normalisation gives.
pub struct BatchNormOutput {
    /// Normalised, scaled, shifted and activated; `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// The batch's mean, `[channels]`, off the tape.
    pub mean: Tensor<1>,
    /// The batch's *biased* variance (divided by n), `[channels]`, off the tape.
    pub variance: Tensor<1>,
}

/// Normalises with given statistics, `(x - mean) / sqrt(variance + eps) * weight + bias`, and activates.
///
/// # Shapes
///
/// - `x` and result: `[batch, channels, height, width]`
/// - all others: `[channels]`
pub fn batch_norm_inference(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> Tensor<4> {
    // One multiply and one add over the activation instead of four: the channel vectors are combined first.
    let scale = weight / (variance + eps).sqrt();
    let shift = bias - mean * scale.clone();
    let channels = scale.dims()[0];
    let y = x * scale.reshape([1, channels, 1, 1]) + shift.reshape([1, channels, 1, 1]);
    activate(y, activation)
}

/// Normalises with the statistics of the batch itself, returns them, and activates (Ioffe and Szegedy 2015, algorithm 1).
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`, `bias`: `[channels]`
pub fn batch_norm_train(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> BatchNormOutput {
    let result = module::batch_norm_train(x, weight, bias, eps);
    BatchNormOutput {
        output: activate(result.output, activation),
        mean: result.mean.without_autodiff(),
        variance: result.variance.without_autodiff(),
    }
}
