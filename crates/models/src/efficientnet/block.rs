//! One block of the family.

use burn::module::Module;
use burn::tensor::Device;

use super::block_config::{BlockConfig, BlockKind};
use super::edge_residual::EdgeResidual;
use super::inverted_residual::InvertedResidual;
use super::separable::DepthwiseSeparable;
use crate::layers::{BatchNorm2d, Conv2d, Ops};

// Burn has no `Module` for `Box`, and a network has only a few of these.
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
            BlockKind::InvertedResidual { expanded } => Block::InvertedResidual(
                InvertedResidual::new(input, expanded, config, drop_path, device),
            ),
            BlockKind::EdgeResidual { expanded } => {
                Block::EdgeResidual(EdgeResidual::new(input, expanded, config, drop_path, device))
            }
            BlockKind::Conv => Block::Conv(ConvBnAct {
                conv: Conv2d::new(input, config.output, config.kernel, config.stride, device),
                bn1: BatchNorm2d::new(config.output, config.activation, device),
            }),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
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
