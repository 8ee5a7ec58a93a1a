//! The configuration of a ConvNeXt.

use kennel_kernels::Activation;

/// Where the factors of residual branches start.
pub const LAYER_SCALE: f32 = 1e-6;

/// Configuration of a ConvNeXt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvNextConfig {
    /// Blocks of each stage.
    pub depths: [usize; 4],
    /// Channels of each stage.
    pub widths: [usize; 4],
    /// Whether it is version 2: global response normalisation in place of factors of the branches.
    pub is_v2: bool,
    /// Whether the perceptrons are stored as convolutions of 1x1.
    pub has_conv_mlp: bool,
    /// Activation of the perceptrons.
    pub activation: Activation,
    /// Added to the variances of LayerNorm.
    pub eps: f64,
}
