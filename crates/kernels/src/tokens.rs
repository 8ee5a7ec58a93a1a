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

/// `[batch, tokens, channels]` to `[batch, channels, tokens, 1]`.
fn map_of_tokens(tokens: Tensor<3>) -> Tensor<4> {
    let [batch, count, channels] = tokens.dims();
    tokens.reshape([batch, count, 1, channels]).permute([0, 3, 1, 2])
}

/// Fully connected layer on every token. A token's result does not depend on the other tokens.
///
/// # Shapes
///
/// - `x`: `[batch, tokens, features]`
/// - `weight`: `[outputs, features]`, PyTorch's layout
/// - `bias`: `[outputs]`
/// - result: `[batch, tokens, outputs]`
pub fn linear_tokens(x: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<3> {
    let [outputs, features] = weight.dims();
    let weight = weight.reshape([outputs, features, 1, 1]);
    let pointwise = ConvSpec { stride: 1, padding: Padding::Sides(0), dilation: 1, groups: 1 };
    tokens_of_map(conv2d(map_of_tokens(x), weight, Some(bias), pointwise))
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
    tokens_of_map(activate(map_of_tokens(x), activation))
}

/// Adds a residual branch and its shortcut.
pub fn residual_add_tokens(branch: Tensor<3>, shortcut: Tensor<3>) -> Tensor<3> {
    let (branch, shortcut) = (map_of_tokens(branch), map_of_tokens(shortcut));
    tokens_of_map(residual_add(branch, shortcut, Activation::Identity))
}

/// Averages the tokens of every photo.
///
/// # Shapes
///
/// `[batch, tokens, channels]` to `[batch, channels, 1, 1]`.
pub fn mean_token(x: Tensor<3>) -> Tensor<4> {
    global_avg_pool(map_of_tokens(x))
}
