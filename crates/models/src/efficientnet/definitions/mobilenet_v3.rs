//! MobileNetV3 (Howard et al. 2019).

use kennel_kernels::Activation::{self, HardSigmoid, HardSwish, Relu};

use super::{EfficientNetConfig, HeadKind, round_channels};
use crate::efficientnet::Convention;
use crate::efficientnet::block_config::{BlockConfig, BlockKind};
use crate::layers::SqueezeExciteConfig;

/// MobileNetV3-Large 1.0 (Howard et al. 2019, table 1).
pub fn mobilenetv3_large() -> EfficientNetConfig {
    let block = |kernel, expanded, output, se, activation, stride| {
        v3_block(BlockKind::InvertedResidual { expanded }, kernel, output, se, activation, stride)
    };
    v3(
        vec![
            vec![v3_block(BlockKind::Separable, 3, 16, None, Relu, 1)],
            vec![block(3, 64, 24, None, Relu, 2), block(3, 72, 24, None, Relu, 1)],
            vec![
                block(5, 72, 40, Some(72), Relu, 2),
                block(5, 120, 40, Some(120), Relu, 1),
                block(5, 120, 40, Some(120), Relu, 1),
            ],
            vec![
                block(3, 240, 80, None, HardSwish, 2),
                block(3, 200, 80, None, HardSwish, 1),
                block(3, 184, 80, None, HardSwish, 1),
                block(3, 184, 80, None, HardSwish, 1),
            ],
            vec![
                block(3, 480, 112, Some(480), HardSwish, 1),
                block(3, 672, 112, Some(672), HardSwish, 1),
            ],
            vec![
                block(5, 672, 160, Some(672), HardSwish, 2),
                block(5, 960, 160, Some(960), HardSwish, 1),
                block(5, 960, 160, Some(960), HardSwish, 1),
            ],
            vec![v3_block(BlockKind::Conv { skip: false }, 1, 960, None, HardSwish, 1)],
        ],
        1280,
    )
}

/// MobileNetV3-Small 1.0 (Howard et al. 2019, table 2).
pub fn mobilenetv3_small() -> EfficientNetConfig {
    let block = |kernel, expanded, output, se, activation, stride| {
        v3_block(BlockKind::InvertedResidual { expanded }, kernel, output, se, activation, stride)
    };
    v3(
        vec![
            vec![v3_block(BlockKind::Separable, 3, 16, Some(16), Relu, 2)],
            vec![block(3, 72, 24, None, Relu, 2), block(3, 88, 24, None, Relu, 1)],
            vec![
                block(5, 96, 40, Some(96), HardSwish, 2),
                block(5, 240, 40, Some(240), HardSwish, 1),
                block(5, 240, 40, Some(240), HardSwish, 1),
            ],
            vec![
                block(5, 120, 48, Some(120), HardSwish, 1),
                block(5, 144, 48, Some(144), HardSwish, 1),
            ],
            vec![
                block(5, 288, 96, Some(288), HardSwish, 2),
                block(5, 576, 96, Some(576), HardSwish, 1),
                block(5, 576, 96, Some(576), HardSwish, 1),
            ],
            vec![v3_block(BlockKind::Conv { skip: false }, 1, 576, None, HardSwish, 1)],
        ],
        1024,
    )
}

fn v3(stages: Vec<Vec<BlockConfig>>, head: usize) -> EfficientNetConfig {
    EfficientNetConfig {
        stem: 16,
        stages,
        head,
        head_kind: HeadKind::PoolThenConv,
        activation: HardSwish,
        convention: Convention::PyTorch,
    }
}

/// A block of MobileNetV3. Its squeeze has a quarter of the channels that it scales.
fn v3_block(
    kind: BlockKind,
    kernel: usize,
    output: usize,
    squeezed: Option<usize>,
    activation: Activation,
    stride: usize,
) -> BlockConfig {
    let squeeze_excite = squeezed.map(|channels| SqueezeExciteConfig {
        reduced: round_channels(channels as f64 * 0.25),
        activation: Relu,
        gate: HardSigmoid,
    });
    BlockConfig { kind, kernel, stride, output, activation, squeeze_excite }
}
