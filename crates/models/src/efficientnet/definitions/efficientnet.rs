//! EfficientNet (Tan and Le 2019, table 1) and EfficientNet-Lite, its variant for phones.

use kennel_kernels::Activation::{Relu6, Silu};

use super::row::{Row, RowBlock, stages};
use super::{EfficientNetConfig, HeadKind, round_channels};
use crate::efficientnet::Convention;

/// EfficientNet-B0: (expansion, channels, repeats, stride, kernel).
const TABLE: [(usize, usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
];

/// EfficientNet-B0, scaled by `width` and `depth`.
pub fn efficientnet(width: f64, depth: f64) -> EfficientNetConfig {
    let stem = round_channels(32.0 * width);
    let rows = TABLE.map(|row| scaled(row, width, depth, RowBlock::Squeezed));
    EfficientNetConfig {
        stem,
        stages: stages(stem, &rows, Silu),
        head: round_channels(1280.0 * width),
        head_kind: HeadKind::NormThenPool,
        activation: Silu,
        convention: Convention::PyTorch,
    }
}

/// EfficientNet-Lite: no squeeze-and-excitation, ReLU6; stem, head, and the depth of the first and
/// the last stage are not scaled.
pub fn efficientnet_lite(width: f64, depth: f64) -> EfficientNetConfig {
    let mut rows = TABLE.map(|row| scaled(row, width, depth, RowBlock::Inverted));
    rows[0].repeats = TABLE[0].2;
    rows[6].repeats = TABLE[6].2;
    EfficientNetConfig {
        stem: 32,
        stages: stages(32, &rows, Relu6),
        head: 1280,
        head_kind: HeadKind::NormThenPool,
        activation: Relu6,
        convention: Convention::PyTorch,
    }
}

fn scaled(
    (expansion, channels, repeats, stride, kernel): (usize, usize, usize, usize, usize),
    width: f64,
    depth: f64,
    block: fn(usize) -> RowBlock,
) -> Row {
    Row {
        block: block(expansion),
        repeats: (repeats as f64 * depth).ceil() as usize,
        kernel,
        stride,
        channels: round_channels(channels as f64 * width),
    }
}
