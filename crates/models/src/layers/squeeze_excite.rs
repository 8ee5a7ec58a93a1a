//! Squeeze-and-excitation (Hu et al. 2018, section 3): scales channels by factors computed from the
//! whole picture.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::{Conv2d, Ops};

/// Configuration of a squeeze-and-excitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqueezeExciteConfig {
    /// Channels between the two convolutions.
    pub reduced: usize,
    /// Activation after the first.
    pub activation: Activation,
    /// Activation after the second.
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
        // Its factors scale whole channels, so it stays in floats.
        let conv =
            |input, output| Conv2d::new(input, output, 1, 1, device).with_bias().kept_in_float();
        Self {
            conv_reduce: conv(channels, config.reduced),
            conv_expand: conv(config.reduced, channels),
            activation: config.activation,
            gate: config.gate,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let squeezed = ops.global_avg_pool(x.clone());
        let reduced = ops.conv(&self.conv_reduce, squeezed);
        let reduced = ops.activate(reduced, self.activation);
        let expanded = ops.conv(&self.conv_expand, reduced);
        let factors = ops.activate(expanded, self.gate);
        ops.scale_channels(x, factors)
    }
}
