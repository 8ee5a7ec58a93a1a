//! The operations of the zoo's forward passes, so that each pass is written only once: [`Eager`]
//! computes it, [`crate::describe`] records it as a graph.

use burn::module::Param;
use burn::tensor::Tensor;
use kennel_kernels::{
    Activation, activate, attention, avg_pool2d, conv2d_batch_norm_inference, global_avg_pool,
    global_response_norm, linear_residual_tokens, linear_tokens, map_of_tokens, max_pool2d,
    mean_token, residual_add, residual_add_tokens, scale_channels, tokens_of_map,
};

use super::{Affine, BatchNorm2d, Conv2d, DropPath, GlobalResponseNorm, LayerNorm, Position};

/// The operations of the zoo.
///
/// Networks of tokens begin with a convolution and [`Ops::to_tokens`].
pub trait Ops {
    /// A feature map, `[batch, channels, height, width]`.
    type Map: Clone;
    /// Tokens, `[batch, tokens, channels]`.
    type Tokens: Clone;

    /// A convolution without normalisation, with its bias if it has one.
    fn conv(&mut self, conv: &Conv2d, x: Self::Map) -> Self::Map;

    /// `norm(conv(x))`, with the activation of `norm`.
    fn conv_norm(&mut self, conv: &Conv2d, norm: &BatchNorm2d, x: Self::Map) -> Self::Map;

    /// The end of a residual block: `activation(drop_path(norm(conv(x))) + shortcut)`, where `norm`
    /// has no activation.
    fn conv_norm_add(
        &mut self,
        branch_end: (&Conv2d, &BatchNorm2d, &DropPath),
        x: Self::Map,
        shortcut: Self::Map,
        activation: Activation,
    ) -> Self::Map;

    /// The end of a residual block: `drop_path(branch) + shortcut`.
    fn add(&mut self, branch: Self::Map, drop_path: &DropPath, shortcut: Self::Map) -> Self::Map;

    /// Applies an activation to every element.
    fn activate(&mut self, x: Self::Map, activation: Activation) -> Self::Map;

    /// The maximum of every window of `kernel` by `kernel`.
    fn max_pool(&mut self, x: Self::Map, kernel: usize, stride: usize, padding: usize)
    -> Self::Map;

    /// The mean of adjacent windows of `side` by `side`. Windows that extend over the edge average
    /// only the pixels inside.
    fn avg_pool(&mut self, x: Self::Map, side: usize) -> Self::Map;

    /// The mean of every channel, `[batch, channels, 1, 1]`.
    fn global_avg_pool(&mut self, x: Self::Map) -> Self::Map;

    /// Multiplies every channel by its own factor, `[batch, channels, 1, 1]`.
    fn scale_channels(&mut self, x: Self::Map, factors: Self::Map) -> Self::Map;

    /// The pixels of a feature map as tokens, row by row.
    fn to_tokens(&mut self, x: Self::Map) -> Self::Tokens;

    /// Tokens as the pixels of a feature map that is as high and as wide as `like`.
    fn to_map(&mut self, x: Self::Tokens, like: &Self::Map) -> Self::Map;

    /// A fully connected layer on every token, then an activation.
    fn linear(
        &mut self,
        linear: &dyn Affine,
        x: Self::Tokens,
        activation: Activation,
    ) -> Self::Tokens;

    /// The end of a residual block: `drop_path(scale * linear(x)) + shortcut`; without a scale, 1.
    fn linear_add(
        &mut self,
        branch_end: (&dyn Affine, Option<&Param<Tensor<1>>>, &DropPath),
        x: Self::Tokens,
        shortcut: Self::Tokens,
    ) -> Self::Tokens;

    /// Multi-head self-attention: queries, keys and values of every token to their mixture,
    /// `[batch, tokens, 3 * channels]` to `[batch, tokens, channels]`.
    fn attention(&mut self, qkv: Self::Tokens, heads: usize) -> Self::Tokens;

    /// Global response normalisation over the tokens of every photo.
    fn response_norm(&mut self, norm: &GlobalResponseNorm, x: Self::Tokens) -> Self::Tokens;

    /// The normalisation of every token's channels.
    fn layer_norm(&mut self, norm: &LayerNorm, x: Self::Tokens) -> Self::Tokens;

    /// Puts learned tokens, `[1, count, channels]`, before the others of every photo.
    fn prepend_tokens(&mut self, tokens: &Param<Tensor<3>>, x: Self::Tokens) -> Self::Tokens;

    /// Adds a learned position embedding to the tokens of every photo.
    fn add_position(&mut self, position: Position, x: Self::Tokens) -> Self::Tokens;

    /// The mean of all tokens, `[batch, channels, 1, 1]`.
    fn mean_token(&mut self, x: Self::Tokens) -> Self::Map;

    /// The first token, `[batch, channels, 1, 1]`.
    fn first_token(&mut self, x: Self::Tokens) -> Self::Map;
}

/// Computes immediately, with the kernels. Convolution and normalisation are one operation where
/// the normalisation is in evaluation mode.
pub struct Eager;

impl Ops for Eager {
    type Map = Tensor<4>;
    type Tokens = Tensor<3>;

    fn conv(&mut self, conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        conv.forward(x)
    }

    fn conv_norm(&mut self, conv: &Conv2d, norm: &BatchNorm2d, x: Tensor<4>) -> Tensor<4> {
        match norm.constants() {
            Some(constants) if conv.bias.is_none() => conv2d_batch_norm_inference(
                x,
                conv.weight.val(),
                conv.spec,
                constants,
                None,
                norm.activation(),
                &conv.folded,
            ),
            _ => norm.forward(conv.forward(x)),
        }
    }

    fn conv_norm_add(
        &mut self,
        (conv, norm, drop_path): (&Conv2d, &BatchNorm2d, &DropPath),
        x: Tensor<4>,
        shortcut: Tensor<4>,
        activation: Activation,
    ) -> Tensor<4> {
        match norm.constants() {
            Some(constants) if conv.bias.is_none() && !drop_path.is_active() => {
                conv2d_batch_norm_inference(
                    x,
                    conv.weight.val(),
                    conv.spec,
                    constants,
                    Some(shortcut),
                    activation,
                    &conv.folded,
                )
            }
            _ => {
                residual_add(drop_path.forward(norm.forward(conv.forward(x))), shortcut, activation)
            }
        }
    }

    fn add(&mut self, branch: Tensor<4>, drop_path: &DropPath, shortcut: Tensor<4>) -> Tensor<4> {
        residual_add(drop_path.forward(branch), shortcut, Activation::Identity)
    }

    fn activate(&mut self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        activate(x, activation)
    }

    fn max_pool(
        &mut self,
        x: Tensor<4>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Tensor<4> {
        max_pool2d(x, kernel, stride, padding)
    }

    fn avg_pool(&mut self, x: Tensor<4>, side: usize) -> Tensor<4> {
        avg_pool2d(x, side)
    }

    fn global_avg_pool(&mut self, x: Tensor<4>) -> Tensor<4> {
        global_avg_pool(x)
    }

    fn scale_channels(&mut self, x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
        scale_channels(x, factors)
    }

    fn to_tokens(&mut self, x: Tensor<4>) -> Tensor<3> {
        tokens_of_map(x)
    }

    fn to_map(&mut self, x: Tensor<3>, like: &Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = like.dims();
        map_of_tokens(x, height, width)
    }

    fn linear(&mut self, linear: &dyn Affine, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        linear_tokens(x, linear.matrix(), linear.shift(), activation)
    }

    fn linear_add(
        &mut self,
        (linear, scale, drop_path): (&dyn Affine, Option<&Param<Tensor<1>>>, &DropPath),
        x: Tensor<3>,
        shortcut: Tensor<3>,
    ) -> Tensor<3> {
        let (weight, bias, scale) = (linear.matrix(), linear.shift(), scale.map(Param::val));
        if !drop_path.is_active() {
            return linear_residual_tokens(x, weight, bias, scale, shortcut);
        }
        let branch = linear_tokens(x, weight, bias, Activation::Identity);
        let branch = match scale {
            Some(scale) => branch * scale.unsqueeze(),
            None => branch,
        };
        residual_add_tokens(drop_path.forward(branch), shortcut)
    }

    fn attention(&mut self, qkv: Tensor<3>, heads: usize) -> Tensor<3> {
        attention(qkv, heads)
    }

    fn response_norm(&mut self, norm: &GlobalResponseNorm, x: Tensor<3>) -> Tensor<3> {
        global_response_norm(x, norm.weight.val(), norm.bias.val())
    }

    fn layer_norm(&mut self, norm: &LayerNorm, x: Tensor<3>) -> Tensor<3> {
        norm.forward(x)
    }

    fn prepend_tokens(&mut self, tokens: &Param<Tensor<3>>, x: Tensor<3>) -> Tensor<3> {
        let batch = x.dims()[0];
        Tensor::cat(vec![tokens.val().repeat_dim(0, batch), x], 1)
    }

    fn add_position(&mut self, position: Position, x: Tensor<3>) -> Tensor<3> {
        let patches = x.dims()[1] - position.others;
        x + position.on_grid(patches.isqrt())
    }

    fn mean_token(&mut self, x: Tensor<3>) -> Tensor<4> {
        mean_token(x)
    }

    fn first_token(&mut self, x: Tensor<3>) -> Tensor<4> {
        let [batch, _, channels] = x.dims();
        x.narrow(1, 0, 1).reshape([batch, channels, 1, 1])
    }
}
