//! Layer normalisation as in PyTorch.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.LayerNorm` over the channels of every token.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    pub(crate) eps: f64,
}

impl LayerNorm {
    /// Makes a normalisation without scale and shift. PyTorch's `eps` is 1e-5; timm's Vision
    /// Transformers and ConvNeXts have 1e-6.
    pub fn new(channels: usize, eps: f64, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            eps,
        }
    }

    /// # Shapes
    ///
    /// `[batch, tokens, channels]`, unchanged.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        kennel_kernels::layer_norm(x, self.weight.val(), self.bias.val(), self.eps)
    }
}
