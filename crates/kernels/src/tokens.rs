//! Operations on tokens, `[batch, tokens, channels]`.
//!
//! Tokens lie in memory as the feature map `[batch, channels, tokens, 1]` does, channels last. The
//! kernels of feature maps therefore compute some of them, without a copy.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::composed;
use crate::flex::{self, LayerScale, TokenKernels};
use crate::{Activation, global_avg_pool, residual_add};

/// Lists the pixels of a feature map as tokens, row by row.
///
/// # Shapes
///
/// `[batch, channels, height, width]` to `[batch, height * width, channels]`.
pub fn tokens_of_map(map: Tensor<4>) -> Tensor<3> {
    if !flex::takes(&map) {
        return composed::tokens_of_map(map);
    }
    Tensor::from_dispatch(Dispatch::kernel_tokens_of_map(map.into_dispatch()))
}

/// Arranges tokens as the pixels of a feature map, row by row.
///
/// # Shapes
///
/// `[batch, height * width, channels]` to `[batch, channels, height, width]`.
///
/// # Panics
///
/// When there are not `height * width` tokens.
pub fn map_of_tokens(tokens: Tensor<3>, height: usize, width: usize) -> Tensor<4> {
    if !flex::takes(&tokens) {
        return composed::map_of_tokens(tokens, height, width);
    }
    let map = Dispatch::kernel_map_of_tokens(tokens.into_dispatch(), height, width);
    Tensor::from_dispatch(map)
}

/// A feature map one pixel wide.
fn column_of_tokens(tokens: Tensor<3>) -> Tensor<4> {
    let count = tokens.dims()[1];
    map_of_tokens(tokens, count, 1)
}

/// Fully connected layer on every token, then an activation:
/// `activation(x @ weight^T + bias)`. A token's result does not depend on the other tokens.
///
/// # Shapes
///
/// - `x`: `[batch, tokens, features]`
/// - `weight`: `[outputs, features]`, PyTorch's layout
/// - `bias`: `[outputs]`
/// - result: `[batch, tokens, outputs]`
pub fn linear_tokens(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<3> {
    if !(flex::takes(&x) && flex::takes(&weight) && flex::takes(&bias)) {
        return composed::linear_tokens(x, weight, bias, activation);
    }
    Tensor::from_dispatch(Dispatch::kernel_linear_tokens(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        activation,
    ))
}

/// The end of a residual block: `shortcut + scale * (x @ weight^T + bias)`.
///
/// # Shapes
///
/// - `x`: `[batch, tokens, features]`
/// - `weight`: `[outputs, features]`, PyTorch's layout
/// - `bias`: `[outputs]`
/// - `scale`: `[outputs]`, LayerScale's factors (Touvron et al. 2021, section 2)
/// - `shortcut` and result: `[batch, tokens, outputs]`
pub fn linear_residual_tokens(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    scale: Option<Tensor<1>>,
    shortcut: Tensor<3>,
) -> Tensor<3> {
    let is_fast = flex::takes(&x)
        && flex::takes(&weight)
        && flex::takes(&bias)
        && flex::takes(&shortcut)
        && scale.as_ref().is_none_or(flex::takes);
    if !is_fast {
        return composed::linear_residual_tokens(x, weight, bias, scale, shortcut);
    }
    Tensor::from_dispatch(Dispatch::kernel_linear_residual_tokens(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        scale.map_or(LayerScale::None, |scale| LayerScale::Factors(scale.into_dispatch())),
        shortcut.into_dispatch(),
    ))
}

/// Normalises the channels of every token: `torch.nn.LayerNorm`.
///
/// # Shapes
///
/// - `x` and result: `[batch, tokens, channels]`
/// - `weight`, `bias`: `[channels]`
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<3> {
    if !(flex::takes(&x) && flex::takes(&weight) && flex::takes(&bias)) {
        return composed::layer_norm(x, weight, bias, eps);
    }
    Tensor::from_dispatch(Dispatch::kernel_layer_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        eps,
    ))
}

/// Multi-head self-attention, `softmax(q k^T / sqrt(channels / heads)) v` in every head (Vaswani et
/// al. 2017, section 3.2), without the layers before and after it.
///
/// # Shapes
///
/// - `qkv`: `[batch, tokens, 3 * channels]`; the last axis is (q, k, v) x heads x channels of a
///   head, as in timm's `Attention`
/// - result: `[batch, tokens, channels]`, heads one after the other
///
/// # Panics
///
/// When the heads do not divide the channels.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    if !flex::takes(&qkv) {
        return composed::attention(qkv, heads);
    }
    Tensor::from_dispatch(Dispatch::kernel_attention(qkv.into_dispatch(), heads))
}

/// ConvNeXt V2's global response normalisation over the tokens of every photo (Woo et al. 2023,
/// algorithm 1): `x + bias + weight * x * n` with `n = g / (mean(g) + 1e-6)`, where `g` is the
/// Euclidean norm of a channel over the tokens and the mean is that of all channels.
///
/// # Shapes
///
/// - `x` and result: `[batch, tokens, channels]`
/// - `weight`, `bias`: `[channels]`
pub fn global_response_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<3> {
    if !(flex::takes(&x) && flex::takes(&weight) && flex::takes(&bias)) {
        return composed::global_response_norm(x, weight, bias);
    }
    Tensor::from_dispatch(Dispatch::kernel_global_response_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// Adds a residual branch and its shortcut.
pub fn residual_add_tokens(branch: Tensor<3>, shortcut: Tensor<3>) -> Tensor<3> {
    let (branch, shortcut) = (column_of_tokens(branch), column_of_tokens(shortcut));
    tokens_of_map(residual_add(branch, shortcut, Activation::Identity))
}

/// Averages the tokens of every photo.
///
/// # Shapes
///
/// `[batch, tokens, channels]` to `[batch, channels, 1, 1]`.
pub fn mean_token(x: Tensor<3>) -> Tensor<4> {
    global_avg_pool(column_of_tokens(x))
}
