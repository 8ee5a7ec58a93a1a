//! Configurations of the family's networks, as in their papers and in timm 1.0.

mod efficientnet;
mod efficientnet_v2;
mod miniature;
mod mobilenet_v2;
mod mobilenet_v3;
mod mobilenet_v4;
mod row;

use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use super::layer_maker::Convention;

pub use efficientnet::{efficientnet, efficientnet_lite};
pub use efficientnet_v2::{efficientnetv2_base, efficientnetv2_m, efficientnetv2_s};
pub use miniature::test_efficientnet;
pub use mobilenet_v2::mobilenetv2;
pub use mobilenet_v3::{mobilenetv3_large, mobilenetv3_small};
pub use mobilenet_v4::{mobilenetv4_medium, mobilenetv4_small};

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
    /// How layers pad and normalise.
    pub convention: Convention,
}

impl EfficientNetConfig {
    /// Returns the network whose layers are TensorFlow's.
    pub fn of_tensorflow(self) -> Self {
        Self { convention: Convention::TensorFlow, ..self }
    }
}

/// The layers between the blocks and the classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// 1x1 convolution, normalisation, activation, pooling.
    NormThenPool,
    /// Pooling, 1x1 convolution with bias, activation (MobileNetV3).
    PoolThenConv,
    /// Pooling, 1x1 convolution, normalisation, activation (MobileNetV4).
    PoolThenNorm,
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
