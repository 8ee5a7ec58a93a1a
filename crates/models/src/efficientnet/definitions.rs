//! Configurations of the family's networks, as in their papers and in timm 1.0.

use kennel_kernels::Activation::{self, HardSigmoid, HardSwish, Relu, Relu6, Sigmoid, Silu};

use super::block_config::{BlockConfig, BlockKind};
use crate::layers::SqueezeExciteConfig;

/// Configuration of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfficientNetConfig {
    /// Channels after the stem.
    pub stem: usize,
    /// Blocks of each stage.
    pub stages: Vec<Vec<BlockConfig>>,
    /// Features before the classifier.
    pub head: usize,
    /// The layers between the blocks and the classifier.
    pub head_kind: HeadKind,
    /// Activation in stem and head.
    pub activation: Activation,
}

/// The layers between the blocks and the classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// 1x1 convolution, normalisation, activation, pooling.
    NormBeforePool,
    /// Pooling, 1x1 convolution with bias, activation (MobileNetV3).
    ConvAfterPool,
}

/// EfficientNet-B0 (Tan and Le 2019, table 1), scaled by `width` and `depth`.
pub fn efficientnet(width: f64, depth: f64) -> EfficientNetConfig {
    let round = |channels: f64| round_channels(channels * width);
    let stem = round(32.0);
    // (expansion, channels, repeats, stride, kernel)
    let table = [
        (1, 16.0, 1, 1, 3),
        (6, 24.0, 2, 2, 3),
        (6, 40.0, 2, 2, 5),
        (6, 80.0, 3, 2, 3),
        (6, 112.0, 3, 1, 5),
        (6, 192.0, 4, 2, 5),
        (6, 320.0, 1, 1, 3),
    ];
    let mut input = stem;
    let stages = table
        .iter()
        .map(|&(expansion, channels, repeats, stride, kernel)| {
            let repeats = (f64::from(repeats) * depth).ceil() as usize;
            let output = round(channels);
            (0..repeats)
                .map(|repeat| {
                    // The squeeze has a quarter of the block's input channels, not of its expanded
                    // ones.
                    let reduced = (input as f64 * 0.25).round_ties_even() as usize;
                    let kind = match expansion {
                        1 => BlockKind::Separable,
                        _ => BlockKind::InvertedResidual { expanded: input * expansion },
                    };
                    input = output;
                    BlockConfig {
                        kind,
                        kernel,
                        stride: if repeat == 0 { stride } else { 1 },
                        output,
                        activation: Silu,
                        squeeze_excite: Some(SqueezeExciteConfig {
                            reduced,
                            activation: Silu,
                            gate: Sigmoid,
                        }),
                    }
                })
                .collect()
        })
        .collect();
    EfficientNetConfig {
        stem,
        stages,
        head: round(1280.0),
        head_kind: HeadKind::NormBeforePool,
        activation: Silu,
    }
}

/// MobileNetV2 1.0 (Sandler et al. 2018, table 2).
pub fn mobilenetv2() -> EfficientNetConfig {
    // (expansion, channels, repeats, stride)
    let table = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    let mut input = 32;
    let stages = table
        .iter()
        .map(|&(expansion, output, repeats, stride)| {
            (0..repeats)
                .map(|repeat| {
                    let kind = match expansion {
                        1 => BlockKind::Separable,
                        _ => BlockKind::InvertedResidual { expanded: input * expansion },
                    };
                    input = output;
                    let stride = if repeat == 0 { stride } else { 1 };
                    BlockConfig {
                        kind,
                        kernel: 3,
                        stride,
                        output,
                        activation: Relu6,
                        squeeze_excite: None,
                    }
                })
                .collect()
        })
        .collect();
    EfficientNetConfig {
        stem: 32,
        stages,
        head: 1280,
        head_kind: HeadKind::NormBeforePool,
        activation: Relu6,
    }
}

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
            vec![v3_block(BlockKind::Conv, 1, 960, None, HardSwish, 1)],
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
            vec![v3_block(BlockKind::Conv, 1, 576, None, HardSwish, 1)],
        ],
        1024,
    )
}

fn v3(stages: Vec<Vec<BlockConfig>>, head: usize) -> EfficientNetConfig {
    EfficientNetConfig {
        stem: 16,
        stages,
        head,
        head_kind: HeadKind::ConvAfterPool,
        activation: HardSwish,
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
        block(16, 1, |_| BlockKind::Conv, false),
        block(24, 2, edge, false),
        block(32, 2, edge, false),
        block(48, 2, inverted, true),
        block(64, 2, inverted, true),
    ];
    EfficientNetConfig {
        stem: 24,
        stages,
        head: 256,
        head_kind: HeadKind::NormBeforePool,
        activation: Silu,
    }
}

/// Rounds to the nearest multiple of 8, at least 8, that is no more than a tenth below `channels`
/// (`make_divisible` of the MobileNet papers).
fn round_channels(channels: f64) -> usize {
    let rounded = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels { rounded + 8 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::round_channels;

    #[test]
    fn channels_are_multiples_of_eight_and_lose_at_most_a_tenth() {
        for (channels, rounded) in
            [(18.0, 24), (60.0, 64), (30.0, 32), (36.0, 40), (4.0, 8), (17.6, 16)]
        {
            assert_eq!(round_channels(channels), rounded, "{channels}");
        }
    }
}
