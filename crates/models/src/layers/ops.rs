//! The operations of the zoo's forward passes, so that each pass is written only once: [`Eager`]
//! computes it, [`crate::describe`] records it as a graph.

use burn::module::Param;
use burn::tensor::Tensor;
use kennel_kernels::{
    Activation, activate, activate_tokens, avg_pool2d, conv2d_batch_norm_inference,
    global_avg_pool, linear_tokens, max_pool2d, mean_token, residual_add, residual_add_tokens,
    scale_channels, tokens_of_map,
};

use super::{BatchNorm2d, Conv2d, DropPath, LayerNorm, Linear};

/// The operations of the zoo.
///
/// Networks of tokens begin with a convolution and [`Ops::to_tokens`]. What a new family needs
/// besides, such as attention, is one more operation on [`Ops::Tokens`].
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

    /// A fully connected layer on every token.
    fn linear(&mut self, linear: &Linear, x: Self::Tokens) -> Self::Tokens;

    /// The normalisation of every token's channels.
    fn layer_norm(&mut self, norm: &LayerNorm, x: Self::Tokens) -> Self::Tokens;

    /// Applies an activation to every element of tokens.
    fn activate_tokens(&mut self, x: Self::Tokens, activation: Activation) -> Self::Tokens;

    /// The end of a residual block: `drop_path(branch) + shortcut`.
    fn add_tokens(
        &mut self,
        branch: Self::Tokens,
        drop_path: &DropPath,
        shortcut: Self::Tokens,
    ) -> Self::Tokens;

    /// Puts a learned token, `[1, 1, channels]`, before the others of every photo.
    fn prepend_token(&mut self, token: &Param<Tensor<3>>, x: Self::Tokens) -> Self::Tokens;

    /// Adds a learned embedding, `[1, tokens, channels]`, to the tokens of every photo.
    fn add_embedding(&mut self, embedding: &Param<Tensor<3>>, x: Self::Tokens) -> Self::Tokens;

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

    fn linear(&mut self, linear: &Linear, x: Tensor<3>) -> Tensor<3> {
        linear_tokens(x, linear.weight.val(), linear.bias.val(), Activation::Identity)
    }

    fn layer_norm(&mut self, norm: &LayerNorm, x: Tensor<3>) -> Tensor<3> {
        norm.forward(x)
    }

    fn activate_tokens(&mut self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        activate_tokens(x, activation)
    }

    fn add_tokens(
        &mut self,
        branch: Tensor<3>,
        drop_path: &DropPath,
        shortcut: Tensor<3>,
    ) -> Tensor<3> {
        residual_add_tokens(drop_path.forward(branch), shortcut)
    }

    fn prepend_token(&mut self, token: &Param<Tensor<3>>, x: Tensor<3>) -> Tensor<3> {
        let batch = x.dims()[0];
        Tensor::cat(vec![token.val().repeat_dim(0, batch), x], 1)
    }

    fn add_embedding(&mut self, embedding: &Param<Tensor<3>>, x: Tensor<3>) -> Tensor<3> {
        x + embedding.val()
    }

    fn mean_token(&mut self, x: Tensor<3>) -> Tensor<4> {
        mean_token(x)
    }

    fn first_token(&mut self, x: Tensor<3>) -> Tensor<4> {
        let [batch, _, channels] = x.dims();
        x.narrow(1, 0, 1).reshape([batch, channels, 1, 1])
    }
}
