//! The fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.Linear`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[outputs, features]`, PyTorch's layout.
    pub weight: Param<Tensor<2>>,
    /// `[outputs]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Makes a layer of zeros.
    pub fn new(features: usize, outputs: usize, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([outputs, features], device)),
            bias: Param::from_tensor(Tensor::zeros([outputs], device)),
        }
    }

    /// # Shapes
    ///
    /// `[batch, features]` to `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        kennel_kernels::linear(x, self.weight.val(), Some(self.bias.val()))
    }
}
