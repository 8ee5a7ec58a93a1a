//! A network for tests.

use kennel_kernels::Activation::{Sigmoid, Silu};

use super::{EfficientNetConfig, HeadKind};
use crate::efficientnet::Convention;
use crate::efficientnet::block_config::{BlockConfig, BlockKind};
use crate::layers::SqueezeExciteConfig;

/// timm 1.0's `test_efficientnet`: a convolution, two edge residuals and two inverted residuals,
/// 0.1 million parameters below the head.
pub fn test_efficientnet() -> EfficientNetConfig {
    const EXPANSION: usize = 4;
    let mut input = 24;
    let mut block = |output: usize, stride: usize, kind: fn(usize) -> BlockKind, squeezes: bool| {
        let squeeze_excite = squeezes.then_some(SqueezeExciteConfig {
            reduced: input / 4,
            activation: Silu,
            gate: Sigmoid,
        });
        let kind = kind(input * EXPANSION);
        input = output;
        vec![BlockConfig { kind, kernel: 3, stride, output, activation: Silu, squeeze_excite }]
    };
    let edge = |expanded| BlockKind::EdgeResidual { expanded };
    let inverted = |expanded| BlockKind::InvertedResidual { expanded };
    let stages = vec![
        block(16, 1, |_| BlockKind::Conv { skip: true }, false),
        block(24, 2, edge, false),
        block(32, 2, edge, false),
        block(48, 2, inverted, true),
        block(64, 2, inverted, true),
    ];
    EfficientNetConfig {
        stem: 24,
        stages,
        head: 256,
        head_kind: HeadKind::NormThenPool,
        activation: Silu,
        convention: Convention::PyTorch,
    }
}
