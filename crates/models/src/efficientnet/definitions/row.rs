//! The tables in which the papers define their networks.

use kennel_kernels::Activation::{self, Sigmoid};

use crate::efficientnet::block_config::{BlockConfig, BlockKind};
use crate::layers::SqueezeExciteConfig;

/// A stage: `repeats` blocks, of which the first has the stride.
#[derive(Clone, Copy)]
pub struct Row {
    pub block: RowBlock,
    pub repeats: usize,
    pub kernel: usize,
    pub stride: usize,
    pub channels: usize,
}

/// The blocks of a stage.
#[derive(Clone, Copy)]
pub enum RowBlock {
    /// One convolution, with a shortcut.
    Conv,
    /// Inverted residuals of this expansion; at 1, depthwise separable convolutions.
    Inverted(usize),
    /// As [`RowBlock::Inverted`], with squeeze-and-excitation.
    Squeezed(usize),
    /// Edge residuals of this expansion.
    Edge(usize),
}

/// Returns the blocks of each stage.
pub fn stages(stem: usize, rows: &[Row], activation: Activation) -> Vec<Vec<BlockConfig>> {
    let mut input = stem;
    let mut block = |row: &Row, repeat: usize| {
        let kind = match row.block {
            RowBlock::Conv => BlockKind::Conv { skip: true },
            RowBlock::Inverted(1) | RowBlock::Squeezed(1) => BlockKind::Separable,
            RowBlock::Inverted(times) | RowBlock::Squeezed(times) => {
                BlockKind::InvertedResidual { expanded: input * times }
            }
            RowBlock::Edge(times) => BlockKind::EdgeResidual { expanded: input * times },
        };
        // The squeeze has a quarter of the block's input channels, not of its expanded ones.
        let reduced = (input as f64 * 0.25).round_ties_even() as usize;
        let squeeze_excite = matches!(row.block, RowBlock::Squeezed(_))
            .then_some(SqueezeExciteConfig { reduced, activation, gate: Sigmoid });
        input = row.channels;
        BlockConfig {
            kind,
            kernel: row.kernel,
            stride: if repeat == 0 { row.stride } else { 1 },
            output: row.channels,
            activation,
            squeeze_excite,
        }
    };
    rows.iter().map(|row| (0..row.repeats).map(|repeat| block(row, repeat)).collect()).collect()
}
