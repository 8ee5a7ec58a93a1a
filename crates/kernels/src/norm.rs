//! Batch normalisation and the activation after it.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::conv::conv2d;
use crate::elementwise::residual_add;
use crate::flex::{self, FoldCache, Kernels, NormConstants, PlainKernels, Shortcut};
use crate::types::{Activation, BatchNormConstants, BatchNormOutput, ConvSpec};

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
    let is_fused = flex::takes(&x)
        && flex::conv_is_supported(x.dims()[1], weight.dims(), spec)
        && flex::is_plain(&x)
        && flex::takes(&weight)
        && flex::is_plain(&weight)
        && shortcut
            .as_ref()
            .is_none_or(|shortcut| flex::takes(shortcut) && flex::is_plain(shortcut))
        && [&norm.weight, &norm.bias, &norm.mean, &norm.variance]
            .iter()
            .all(|v| flex::takes(v) && flex::is_plain(v));
    if !is_fused {
        let y = conv2d(x, weight, None, spec);
        return match shortcut {
            Some(shortcut) => residual_add(
                batch_norm_inference(y, norm, Activation::Identity),
                shortcut,
                activation,
            ),
            None => batch_norm_inference(y, norm, activation),
        };
    }
    Tensor::from_dispatch(Dispatch::kernel_conv2d_batch_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        spec,
        into_dispatch(norm),
        shortcut.map_or(Shortcut::None, |shortcut| Shortcut::Add(shortcut.into_dispatch())),
        activation,
        cache.clone(),
    ))
}

/// Normalises with given statistics, `(x - mean) / sqrt(variance + eps) * weight + bias`, and
/// activates. The statistics are constants and take no gradient.
///
/// # Shapes
///
/// - `x` and result: `[batch, channels, height, width]`
pub fn batch_norm_inference(
    x: Tensor<4>,
    norm: BatchNormConstants,
    activation: Activation,
) -> Tensor<4> {
    if !(flex::takes(&x) && flex::takes(&norm.weight) && flex::takes(&norm.bias)) {
        return composed::batch_norm_inference(x, norm, activation);
    }
    Tensor::from_dispatch(Dispatch::kernel_batch_norm_inference(
        x.into_dispatch(),
        into_dispatch(norm),
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

fn into_dispatch(norm: BatchNormConstants) -> NormConstants<Dispatch> {
    NormConstants {
        weight: norm.weight.into_dispatch(),
        bias: norm.bias.into_dispatch(),
        mean: norm.mean.into_dispatch(),
        variance: norm.variance.into_dispatch(),
        eps: norm.eps,
    }
}
