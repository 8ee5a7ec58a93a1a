//! Operations on tokens, `[batch, tokens, channels]`.
//!
//! Tokens lie in memory as the feature map `[batch, channels, tokens, 1]` does, channels last. The
//! kernels of feature maps therefore compute them too, without a copy.

use burn::tensor::Tensor;

use crate::{Activation, ConvSpec, Padding, activate, conv2d, global_avg_pool, residual_add};

/// Lists the pixels of a feature map as tokens, row by row.
///
/// # Shapes
///
/// `[batch, channels, height, width]` to `[batch, height * width, channels]`.
pub fn tokens_of_map(map: Tensor<4>) -> Tensor<3> {
    let [batch, channels, height, width] = map.dims();
    map.permute([0, 2, 3, 1]).reshape([batch, height * width, channels])
}

/// The inverse of [`tokens_of_map`].
///
/// # Shapes
///
/// `[batch, height * width, channels]` to `[batch, channels, height, width]`.
pub fn map_of_tokens(tokens: Tensor<3>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [batch, _, channels] = tokens.dims();
    tokens.reshape([batch, height, width, channels]).permute([0, 3, 1, 2])
}

/// `[batch, tokens, channels]` to `[batch, channels, tokens, 1]`.
fn column_of_tokens(tokens: Tensor<3>) -> Tensor<4> {
    let count = tokens.dims()[1];
    map_of_tokens(tokens, [count, 1])
}

/// Fully connected layer on every token. A token's result does not depend on the other tokens.
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
    let [outputs, features] = weight.dims();
    let weight = weight.reshape([outputs, features, 1, 1]);
    let pointwise = ConvSpec { stride: 1, padding: Padding::Sides(0), dilation: 1, groups: 1 };
    tokens_of_map(activate(conv2d(column_of_tokens(x), weight, Some(bias), pointwise), activation))
}

/// The end of a residual branch: `shortcut + scale * (x @ weight^T + bias)`; without a scale, 1.
///
/// # Shapes
///
/// As [`linear_tokens`]; `scale`: `[outputs]`; `shortcut`: `[batch, tokens, outputs]`.
pub fn linear_residual_tokens(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    scale: Option<Tensor<1>>,
    shortcut: Tensor<3>,
) -> Tensor<3> {
    let y = linear_tokens(x, weight, bias, Activation::Identity);
    let y = match scale {
        Some(scale) => y * scale.unsqueeze(),
        None => y,
    };
    residual_add_tokens(y, shortcut)
}

/// Multi-head self-attention (Vaswani et al. 2017, section 3.2), as timm's `Attention`: the softmax of
/// queries times keys, divided by the root of the head's size, mixes the values.
///
/// # Shapes
///
/// - `qkv`: `[batch, tokens, 3 * channels]`: queries, keys and values, each head by head
/// - result: `[batch, tokens, channels]`
///
/// # Panics
///
/// When `heads` does not divide the channels.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, all] = qkv.dims();
    let channels = all / 3;
    let size = channels / heads;
    let part = |index: usize| -> Tensor<4> {
        qkv.clone()
            .narrow(2, index * channels, channels)
            .reshape([batch, tokens, heads, size])
            .permute([0, 2, 1, 3])
    };
    let scores = (part(0) * (size as f64).powf(-0.5)).matmul(part(1).transpose());
    let probabilities = burn::tensor::activation::softmax(scores, 3);
    probabilities.matmul(part(2)).permute([0, 2, 1, 3]).reshape([batch, tokens, channels])
}

/// Global response normalisation (Woo et al. 2023, section 3.1): `x + (bias + weight * x * n)`, where
/// `n` is a channel's norm over the tokens of a photo, divided by the mean of all channels' norms.
///
/// # Shapes
///
/// - `x` and result: `[batch, tokens, channels]`
/// - `weight`, `bias`: `[channels]`
pub fn global_response_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<3> {
    let norms = x.clone().square().sum_dim(1).sqrt();
    let relative = norms.clone() / (norms.mean_dim(2) + 1e-6);
    x.clone() + bias.unsqueeze() + x * relative * weight.unsqueeze()
}

/// Normalises the channels of every token: `torch.nn.LayerNorm`.
///
/// # Shapes
///
/// - `x` and result: `[batch, tokens, channels]`
/// - `weight`, `bias`: `[channels]`
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<3> {
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    centred / (variance + eps).sqrt() * weight.unsqueeze() + bias.unsqueeze()
}

/// Applies `activation` to every element.
pub fn activate_tokens(x: Tensor<3>, activation: Activation) -> Tensor<3> {
    tokens_of_map(activate(column_of_tokens(x), activation))
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
