//! One block of the family, and what describes it.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::inverted_residual::InvertedResidual;
use super::separable::DepthwiseSeparable;
use crate::layers::{BatchNorm2d, Conv2d, Ops, SqueezeExciteConfig};

/// What a block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Depthwise, then pointwise.
    Separable,
    /// Pointwise to `expanded` channels, depthwise, pointwise.
    InvertedResidual {
        /// Channels of the depthwise convolution.
        expanded: usize,
    },
    /// One pointwise convolution.
    Pointwise,
}

/// A block's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockConfig {
    /// What it does.
    pub kind: BlockKind,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Stride of the depthwise convolution.
    pub stride: usize,
    /// Channels that leave it.
    pub output: usize,
    /// After each normalisation but the last.
    pub activation: Activation,
    /// After the depthwise convolution.
    pub squeeze_excite: Option<SqueezeExciteConfig>,
}

// A box is not a module in Burn; there are a few of these per network.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Block {
    Separable(DepthwiseSeparable),
    InvertedResidual(InvertedResidual),
    Pointwise(ConvBnAct),
}

impl Block {
    pub fn new(input: usize, config: &BlockConfig, drop_path: f64, device: &Device) -> Self {
        match config.kind {
            BlockKind::Separable => {
                Block::Separable(DepthwiseSeparable::new(input, config, drop_path, device))
            }
            BlockKind::InvertedResidual { expanded } => {
                Block::InvertedResidual(InvertedResidual::new(input, expanded, config, drop_path, device))
            }
            BlockKind::Pointwise => Block::Pointwise(ConvBnAct {
                conv: Conv2d::new(input, config.output, 1, 1, device),
                bn1: BatchNorm2d::new(config.output, config.activation, device),
            }),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        match self {
            Block::Separable(block) => block.forward(ops, x),
            Block::InvertedResidual(block) => block.forward(ops, x),
            Block::Pointwise(block) => ops.conv_norm(&block.conv, &block.bn1, x),
        }
    }
}

/// timm's `ConvBnAct`.
#[derive(Module, Debug)]
pub struct ConvBnAct {
    conv: Conv2d,
    bn1: BatchNorm2d,
}
