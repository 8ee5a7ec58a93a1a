//! MobileNetV4, the convolutional ones (Qin et al. 2024, tables 10 and 11).

use kennel_kernels::Activation::Relu;

use super::{EfficientNetConfig, HeadKind};
use crate::efficientnet::Convention;
use crate::efficientnet::block_config::{BlockConfig, BlockKind};

/// A block whose input has some number of channels; returns its configuration.
type Block = dyn Fn(usize) -> BlockConfig;

/// MobileNetV4-Conv-S.
pub fn mobilenetv4_small() -> EfficientNetConfig {
    v4(&[
        &[&conv(3, 2, 32), &conv(1, 1, 32)],
        &[&conv(3, 2, 96), &conv(1, 1, 64)],
        &[
            &universal(5, 5, 2, 3, 96),
            &universal(0, 3, 1, 2, 96),
            &universal(0, 3, 1, 2, 96),
            &universal(0, 3, 1, 2, 96),
            &universal(0, 3, 1, 2, 96),
            &universal(3, 0, 1, 4, 96),
        ],
        &[
            &universal(3, 3, 2, 6, 128),
            &universal(5, 5, 1, 4, 128),
            &universal(0, 5, 1, 4, 128),
            &universal(0, 5, 1, 3, 128),
            &universal(0, 3, 1, 4, 128),
            &universal(0, 3, 1, 4, 128),
        ],
        &[&conv(1, 1, 960)],
    ])
}

/// MobileNetV4-Conv-M.
pub fn mobilenetv4_medium() -> EfficientNetConfig {
    v4(&[
        &[&edge(3, 2, 4, 48)],
        &[&universal(3, 5, 2, 4, 80), &universal(3, 3, 1, 2, 80)],
        &[
            &universal(3, 5, 2, 6, 160),
            &universal(3, 3, 1, 4, 160),
            &universal(3, 3, 1, 4, 160),
            &universal(3, 5, 1, 4, 160),
            &universal(3, 3, 1, 4, 160),
            &universal(3, 0, 1, 4, 160),
            &universal(0, 0, 1, 2, 160),
            &universal(3, 0, 1, 4, 160),
        ],
        &[
            &universal(5, 5, 2, 6, 256),
            &universal(5, 5, 1, 4, 256),
            &universal(3, 5, 1, 4, 256),
            &universal(3, 5, 1, 4, 256),
            &universal(0, 0, 1, 4, 256),
            &universal(3, 0, 1, 4, 256),
            &universal(3, 5, 1, 2, 256),
            &universal(5, 5, 1, 4, 256),
            &universal(0, 0, 1, 4, 256),
            &universal(0, 0, 1, 4, 256),
            &universal(5, 0, 1, 2, 256),
        ],
        &[&conv(1, 1, 960)],
    ])
}

fn v4(table: &[&[&Block]]) -> EfficientNetConfig {
    const STEM: usize = 32;
    let mut input = STEM;
    let mut of_input = |block: &&Block| {
        let config = block(input);
        input = config.output;
        config
    };
    EfficientNetConfig {
        stem: STEM,
        stages: table.iter().map(|stage| stage.iter().map(&mut of_input).collect()).collect(),
        head: 1280,
        head_kind: HeadKind::PoolThenNorm,
        activation: Relu,
        convention: Convention::PyTorch,
    }
}

fn conv(kernel: usize, stride: usize, output: usize) -> impl Fn(usize) -> BlockConfig {
    move |_| block(BlockKind::Conv { skip: false }, kernel, stride, output)
}

fn edge(
    kernel: usize,
    stride: usize,
    times: usize,
    output: usize,
) -> impl Fn(usize) -> BlockConfig {
    move |input| block(BlockKind::EdgeResidual { expanded: input * times }, kernel, stride, output)
}

/// Kernels of the two depthwise convolutions, stride, expansion, output channels.
fn universal(
    start: usize,
    kernel: usize,
    stride: usize,
    times: usize,
    output: usize,
) -> impl Fn(usize) -> BlockConfig {
    move |input| {
        let expanded = input * times;
        block(BlockKind::Universal { start, expanded }, kernel, stride, output)
    }
}

fn block(kind: BlockKind, kernel: usize, stride: usize, output: usize) -> BlockConfig {
    BlockConfig { kind, kernel, stride, output, activation: Relu, squeeze_excite: None }
}
