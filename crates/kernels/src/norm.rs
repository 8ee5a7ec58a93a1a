//! Batch normalisation and the activation after it.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::flex::{self, Kernels};
use crate::{Activation, ConvSpec, FoldCache, composed, conv2d, residual_add};

/// Result of [`batch_norm_train`].
pub struct BatchNormOutput {
    /// Normalised, scaled, shifted and activated; `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// Mean of the batch, `[channels]`, without gradient.
    pub mean: Tensor<1>,
    /// *Biased* variance of the batch (divided by n), `[channels]`, without gradient.
    pub variance: Tensor<1>,
}

/// Parameters and statistics of a normalisation, each `[channels]`.
#[derive(Clone, Debug)]
pub struct BatchNormConstants {
    /// Scale.
    pub weight: Tensor<1>,
    /// Shift.
    pub bias: Tensor<1>,
    /// Running mean.
    pub mean: Tensor<1>,
    /// Running variance.
    pub variance: Tensor<1>,
    /// Added to the variance.
    pub eps: f64,
}

/// [`conv2d`] without bias, then [`batch_norm_inference`], then [`residual_add`] if there is a
/// `shortcut`.
///
/// One function, so that it can be fused if nothing is differentiated: the normalisation is folded
/// into the weights, which `cache` keeps, and the rest is done piece by piece while the output of
/// the convolution is in the processor's cache.
///
/// # Shapes
///
/// As [`conv2d`]; `shortcut` and the result have the shape of its output.
pub fn conv2d_batch_norm_inference(
    x: Tensor<4>,
    weight: Tensor<4>,
    spec: ConvSpec,
    norm: BatchNormConstants,
    shortcut: Option<Tensor<4>>,
    activation: Activation,
    cache: &FoldCache,
) -> Tensor<4> {
    let BatchNormConstants { weight: norm_weight, bias, mean, variance, eps } = norm;
    let is_fused = flex::takes(&x)
        && flex::conv_is_supported(x.dims()[1], weight.dims(), spec)
        && flex::is_plain(&x)
        && flex::takes(&weight)
        && flex::is_plain(&weight)
        && shortcut.as_ref().is_none_or(|shortcut| flex::takes(shortcut) && flex::is_plain(shortcut))
        && [&norm_weight, &bias, &mean, &variance].iter().all(|v| flex::takes(v) && flex::is_plain(v));
    if !is_fused {
        let y = conv2d(x, weight, None, spec);
        let normalise =
            |activation| batch_norm_inference(y, norm_weight, bias, mean, variance, eps, activation);
        return match shortcut {
            Some(shortcut) => residual_add(normalise(Activation::Identity), shortcut, activation),
            None => normalise(activation),
        };
    }
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    let [norm_weight, bias, mean, variance] = [norm_weight, bias, mean, variance].map(Tensor::into_dispatch);
    let cache = cache.clone();
    Tensor::from_dispatch(match shortcut {
        Some(shortcut) => Dispatch::kernel_conv2d_batch_norm_add(
            x,
            weight,
            spec,
            norm_weight,
            bias,
            mean,
            variance,
            eps,
            shortcut.into_dispatch(),
            activation,
            cache,
        ),
        None => Dispatch::kernel_conv2d_batch_norm(
            x,
            weight,
            spec,
            norm_weight,
            bias,
            mean,
            variance,
            eps,
            activation,
            cache,
        ),
    })
}

/// Normalises with given statistics, `(x - mean) / sqrt(variance + eps) * weight + bias`, and
/// activates. The statistics are constants and take no gradient.
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
    if !(flex::takes(&x) && flex::takes(&weight) && flex::takes(&bias)) {
        return composed::batch_norm_inference(x, weight, bias, mean, variance, eps, activation);
    }
    Tensor::from_dispatch(Dispatch::kernel_batch_norm_inference(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        mean.into_dispatch(),
        variance.into_dispatch(),
        eps,
        activation,
    ))
}

/// Normalises with the statistics of the batch, returns them, and activates (Ioffe and Szegedy
/// 2015, algorithm 1).
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
    if !(flex::takes(&x) && flex::takes(&weight) && flex::takes(&bias)) {
        return composed::batch_norm_train(x, weight, bias, eps, activation);
    }
    let (output, mean, variance) = Dispatch::kernel_batch_norm_train(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        eps,
        activation,
    );
    BatchNormOutput {
        output: Tensor::from_dispatch(output),
        mean: Tensor::<1>::from_dispatch(mean).without_autodiff(),
        variance: Tensor::<1>::from_dispatch(variance).without_autodiff(),
    }
}
