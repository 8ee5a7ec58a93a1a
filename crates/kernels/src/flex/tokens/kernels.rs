//! The functions on tokens, `[batch, tokens, channels]`, on the tensors of a backend. Inside they
//! are feature maps one pixel wide, `[batch, channels, tokens, 1]`, in the same memory.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, Flex, backend_extension};
use burn_flex::FlexTensor;

use super::response_norm::ResponseNorm;
use super::{attention, layer_norm, linear};
use crate::flex::nhwc::ChannelsLast;
use crate::types::Activation;

/// LayerScale's factors, `[channels]`.
#[derive(ExtensionType)]
pub enum LayerScale<B: Backend> {
    None,
    Factors(FloatTensor<B>),
}

/// Functions on tokens with a backward pass. Shapes as in the public functions.
#[backend_extension(Flex, Autodiff)]
pub trait TokenKernels: Backend {
    fn kernel_tokens_of_map(map: FloatTensor<Self>) -> FloatTensor<Self>;

    fn kernel_map_of_tokens(
        tokens: FloatTensor<Self>,
        height: usize,
        width: usize,
    ) -> FloatTensor<Self>;

    fn kernel_linear_tokens(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn kernel_linear_residual_tokens(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        #[extension_type] scale: LayerScale<Self>,
        shortcut: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn kernel_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self>;

    fn kernel_attention(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self>;

    fn kernel_global_response_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl TokenKernels for Flex {
    fn kernel_tokens_of_map(map: FlexTensor) -> FlexTensor {
        ChannelsLast::new(map).into_tokens()
    }

    fn kernel_map_of_tokens(tokens: FlexTensor, height: usize, width: usize) -> FlexTensor {
        ChannelsLast::of_tokens(tokens).with_sides(height, width).into_tensor()
    }

    fn kernel_linear_tokens(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let panels = linear::inference_panels(&weight);
        linear::activated(&ChannelsLast::of_tokens(x), &panels, &bias, activation).into_tokens()
    }

    fn kernel_linear_residual_tokens(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        scale: LayerScale<Flex>,
        shortcut: FlexTensor,
    ) -> FlexTensor {
        let panels = linear::inference_panels(&weight);
        let scale = match scale {
            LayerScale::None => None,
            LayerScale::Factors(factors) => Some(factors),
        };
        let (x, shortcut) = (ChannelsLast::of_tokens(x), ChannelsLast::of_tokens(shortcut));
        linear::residual(&x, &panels, &bias, scale.as_ref(), &shortcut).into_tokens()
    }

    fn kernel_layer_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        eps: f64,
    ) -> FlexTensor {
        let x = ChannelsLast::of_tokens(x);
        layer_norm::forward(x, &weight, &bias, eps).into_tokens()
    }

    fn kernel_attention(qkv: FlexTensor, heads: usize) -> FlexTensor {
        attention::forward(&ChannelsLast::of_tokens(qkv), heads, None).into_tokens()
    }

    fn kernel_global_response_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
    ) -> FlexTensor {
        let x = ChannelsLast::of_tokens(x);
        let norm = ResponseNorm::new(&x, &weight, &bias);
        norm.apply(x).into_tokens()
    }
}
