//! Squeeze-and-excitation (Hu et al. 2018, section 3): channels weighted by what the whole picture says.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use kennel_kernels::{Activation, activate, global_avg_pool, scale_channels};

use super::Conv2d;

/// How one network squeezes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqueezeExciteConfig {
    /// Channels between the two layers.
    pub reduced: usize,
    /// After the first.
    pub activation: Activation,
    /// After the second.
    pub gate: Activation,
}

/// timm's `SqueezeExcite` of the EfficientNet family.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    conv_reduce: Conv2d,
    conv_expand: Conv2d,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    gate: Activation,
}

impl SqueezeExcite {
    pub fn new(channels: usize, config: SqueezeExciteConfig, device: &Device) -> Self {
        Self {
            conv_reduce: Conv2d::new(channels, config.reduced, 1, 1, device).with_bias(),
            conv_expand: Conv2d::new(config.reduced, channels, 1, 1, device).with_bias(),
            activation: config.activation,
            gate: config.gate,
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let squeezed = global_avg_pool(x.clone());
        let reduced = activate(self.conv_reduce.forward(squeezed), self.activation);
        scale_channels(x, activate(self.conv_expand.forward(reduced), self.gate))
    }
}
