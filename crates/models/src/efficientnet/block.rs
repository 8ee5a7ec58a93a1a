//! One block of the family, and what describes it.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::edge_residual::EdgeResidual;
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
    /// A whole convolution to `expanded` channels, pointwise.
    EdgeResidual {
        /// Channels of the first convolution.
        expanded: usize,
    },
    /// One convolution.
    Conv,
}

/// A block's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockConfig {
    /// What it does.
    pub kind: BlockKind,
    /// Side of the kernel that is not pointwise.
    pub kernel: usize,
    /// Stride of that convolution.
    pub stride: usize,
    /// Channels that leave it.
    pub output: usize,
    /// After each normalisation but the last.
    pub activation: Activation,
    /// After it.
    pub squeeze_excite: Option<SqueezeExciteConfig>,
}

// A box is not a module in Burn; there are a few of these per network.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Block {
    Separable(DepthwiseSeparable),
    InvertedResidual(InvertedResidual),
    EdgeResidual(EdgeResidual),
    Conv(ConvBnAct),
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
            BlockKind::EdgeResidual { expanded } => {
                Block::EdgeResidual(EdgeResidual::new(input, expanded, config, drop_path, device))
            }
            BlockKind::Conv => Block::Conv(ConvBnAct {
                conv: Conv2d::new(input, config.output, config.kernel, config.stride, device),
                bn1: BatchNorm2d::new(config.output, config.activation, device),
            }),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        match self {
            Block::Separable(block) => block.forward(ops, x),
            Block::InvertedResidual(block) => block.forward(ops, x),
            Block::EdgeResidual(block) => block.forward(ops, x),
            Block::Conv(block) => ops.conv_norm(&block.conv, &block.bn1, x),
        }
    }
}

/// timm's `ConvBnAct`.
#[derive(Module, Debug)]
pub struct ConvBnAct {
    conv: Conv2d,
    bn1: BatchNorm2d,
}
