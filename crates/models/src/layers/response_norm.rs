//! Global response normalisation.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// timm's `GlobalResponseNorm` (Woo et al. 2023, section 3.1): scales every channel by its norm
/// over a photo, relative to the other channels.
#[derive(Module, Debug)]
pub struct GlobalResponseNorm {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
}

impl GlobalResponseNorm {
    /// Makes a normalisation that changes nothing.
    pub fn new(channels: usize, device: &Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([channels], device));
        Self { weight: zeros(), bias: zeros() }
    }
}
