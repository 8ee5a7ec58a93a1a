//! EfficientNetV2 (Tan and Le 2021, table 4): edge residuals first, then inverted ones.

use kennel_kernels::Activation::Silu;

use super::row::RowBlock::{Conv, Edge, Squeezed};
use super::row::{Row, RowBlock, stages};
use super::{EfficientNetConfig, HeadKind};
use crate::efficientnet::Convention;

/// EfficientNetV2-S.
pub fn efficientnetv2_s() -> EfficientNetConfig {
    let table = [
        (Conv, 24, 2, 1),
        (Edge(4), 48, 4, 2),
        (Edge(4), 64, 4, 2),
        (Squeezed(4), 128, 6, 2),
        (Squeezed(6), 160, 9, 1),
        (Squeezed(6), 256, 15, 2),
    ];
    v2(24, &table.map(row), 1280)
}

/// EfficientNetV2-M.
pub fn efficientnetv2_m() -> EfficientNetConfig {
    let table = [
        (Conv, 24, 3, 1),
        (Edge(4), 48, 5, 2),
        (Edge(4), 80, 5, 2),
        (Squeezed(4), 160, 7, 2),
        (Squeezed(6), 176, 14, 1),
        (Squeezed(6), 304, 18, 2),
        (Squeezed(6), 512, 5, 1),
    ];
    v2(24, &table.map(row), 1280)
}

/// EfficientNetV2-B0, scaled by `width` and `depth`.
pub fn efficientnetv2_base(width: f64, depth: f64) -> EfficientNetConfig {
    let table = [
        (Conv, 16, 1, 1),
        (Edge(4), 32, 2, 2),
        (Edge(4), 48, 2, 2),
        (Squeezed(4), 96, 3, 2),
        (Squeezed(6), 112, 5, 1),
        (Squeezed(6), 192, 8, 2),
    ];
    let rows = table.map(|line| {
        let row = row(line);
        let repeats = (row.repeats as f64 * depth).ceil() as usize;
        Row { repeats, channels: nearest_eight(row.channels as f64 * width), ..row }
    });
    v2(nearest_eight(32.0 * width), &rows, nearest_eight(1280.0 * width))
}

/// (block, channels, repeats, stride); every kernel is 3 x 3.
fn row((block, channels, repeats, stride): (RowBlock, usize, usize, usize)) -> Row {
    Row { block, repeats, kernel: 3, stride, channels }
}

fn v2(stem: usize, rows: &[Row], head: usize) -> EfficientNetConfig {
    EfficientNetConfig {
        stem,
        stages: stages(stem, rows, Silu),
        head,
        head_kind: HeadKind::NormThenPool,
        activation: Silu,
        convention: Convention::TensorFlow,
    }
}

/// Rounds to the nearest multiple of 8. Unlike `round_channels` it may lose more than a tenth.
fn nearest_eight(channels: f64) -> usize {
    ((channels + 4.0) as usize / 8 * 8).max(8)
}
