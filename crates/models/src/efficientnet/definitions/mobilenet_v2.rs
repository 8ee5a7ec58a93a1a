//! MobileNetV2 (Sandler et al. 2018, table 2).

use kennel_kernels::Activation::Relu6;

use super::row::{Row, RowBlock, stages};
use super::{EfficientNetConfig, HeadKind};
use crate::efficientnet::Convention;

/// MobileNetV2 1.0.
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
    let rows = table.map(|(expansion, channels, repeats, stride)| Row {
        block: RowBlock::Inverted(expansion),
        repeats,
        kernel: 3,
        stride,
        channels,
    });
    EfficientNetConfig {
        stem: 32,
        stages: stages(32, &rows, Relu6),
        head: 1280,
        head_kind: HeadKind::NormThenPool,
        activation: Relu6,
        convention: Convention::PyTorch,
    }
}
