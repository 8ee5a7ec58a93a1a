//! One block of the family.

use burn::module::Module;

use super::block_config::{BlockConfig, BlockKind};
use super::edge_residual::EdgeResidual;
use super::inverted_residual::InvertedResidual;
use super::layer_maker::LayerMaker;
use super::separable::DepthwiseSeparable;
use super::universal::UniversalInvertedResidual;
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops};

// Burn has no `Module` for `Box`, and a network has only a few of these.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Block {
    Separable(DepthwiseSeparable),
    InvertedResidual(InvertedResidual),
    EdgeResidual(EdgeResidual),
    Universal(UniversalInvertedResidual),
    Conv(ConvBnAct),
}

impl Block {
    pub fn new(input: usize, config: &BlockConfig, drop_path: f64, make: LayerMaker) -> Self {
        match config.kind {
            BlockKind::Separable => {
                Block::Separable(DepthwiseSeparable::new(input, config, drop_path, make))
            }
            BlockKind::InvertedResidual { expanded } => Block::InvertedResidual(
                InvertedResidual::new(input, expanded, config, drop_path, make),
            ),
            BlockKind::EdgeResidual { expanded } => {
                Block::EdgeResidual(EdgeResidual::new(input, expanded, config, drop_path, make))
            }
            BlockKind::Universal { start, expanded } => Block::Universal(
                UniversalInvertedResidual::new(input, (start, expanded), config, drop_path, make),
            ),
            BlockKind::Conv { skip } => Block::Conv(ConvBnAct {
                conv: make.conv(input, config.output, config.kernel, config.stride),
                bn1: make.norm(config.output, config.activation),
                drop_path: DropPath::new(drop_path),
                has_skip: skip && config.stride == 1 && input == config.output,
            }),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        match self {
            Block::Separable(block) => block.forward(ops, x),
            Block::InvertedResidual(block) => block.forward(ops, x),
            Block::EdgeResidual(block) => block.forward(ops, x),
            Block::Universal(block) => block.forward(ops, x),
            Block::Conv(block) => block.forward(ops, x),
        }
    }
}

/// timm's `ConvBnAct`.
#[derive(Module, Debug)]
pub struct ConvBnAct {
    conv: Conv2d,
    bn1: BatchNorm2d,
    drop_path: DropPath,
    #[module(skip)]
    has_skip: bool,
}

impl ConvBnAct {
    fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = ops.conv_norm(&self.conv, &self.bn1, x.clone());
        if self.has_skip { ops.add(branch, &self.drop_path, x) } else { branch }
    }
}
