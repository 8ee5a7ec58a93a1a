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
        Self {
            conv_reduce: conv(channels, config.reduced, device),
            conv_expand: conv(config.reduced, channels, device),
            activation: config.activation,
            gate: config.gate,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        squeeze_excite(ops, (&self.conv_reduce, self.activation), (&self.conv_expand, self.gate), x)
    }
}

/// timm's `SEModule`, that of ResNet and RegNet: the same with other names, ReLU and sigmoid.
#[derive(Module, Debug)]
pub struct SeModule {
    fc1: Conv2d,
    fc2: Conv2d,
}

impl SeModule {
    pub fn new(channels: usize, reduced: usize, device: &Device) -> Self {
        Self { fc1: conv(channels, reduced, device), fc2: conv(reduced, channels, device) }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        squeeze_excite(ops, (&self.fc1, Activation::Relu), (&self.fc2, Activation::Sigmoid), x)
    }
}

/// Its factors scale whole channels, so it stays in floats.
fn conv(channels: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new(channels, outputs, 1, 1, device).with_bias().kept_in_float()
}

fn squeeze_excite<O: Ops>(
    ops: &mut O,
    (reduce, activation): (&Conv2d, Activation),
    (expand, gate): (&Conv2d, Activation),
    x: O::Map,
) -> O::Map {
    let squeezed = ops.global_avg_pool(x.clone());
    let reduced = ops.conv(reduce, squeezed);
    let reduced = ops.activate(reduced, activation);
    let expanded = ops.conv(expand, reduced);
    let factors = ops.activate(expanded, gate);
    ops.scale_channels(x, factors)
}
