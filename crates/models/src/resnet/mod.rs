//! ResNet (He et al. 2016), as timm's `ResNet`: a stem, four stages of residual blocks, one linear
//! layer.

mod basic_block;
mod bottleneck;
mod downsample;
mod stem;
pub(crate) mod zoo;

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::backbone::{Backbone, Initial};
use crate::layers::{BatchNorm2d, Dropout, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::Stage;
use crate::value::{Value, ValueOf};
use basic_block::BasicBlock;
use bottleneck::Bottleneck;
use stem::Stem;

pub use downsample::DownsampleKind;
pub use stem::StemKind;

/// Configuration of a ResNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// Layers before the first block.
    pub stem: StemKind,
    /// The four stages.
    pub stages: [ResNetStage; 4],
    /// How shortcuts are reduced in resolution.
    pub shortcut: DownsampleKind,
}

/// A stage of equal blocks. The first block halves the resolution, except in the first stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetStage {
    /// Number of blocks.
    pub blocks: usize,
    /// Kind of the blocks.
    pub kind: ResNetBlock,
    /// Channels of the 3x3 convolutions.
    pub width: usize,
}

/// A kind of residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResNetBlock {
    /// 3x3, 3x3.
    Basic,
    /// 1x1, 3x3, 1x1, with four times as many output channels.
    Bottleneck,
    /// As [`ResNetBlock::Bottleneck`], with squeeze-and-excitation before the sum.
    SqueezedBottleneck,
}

impl ResNetConfig {
    /// The networks of the paper (He et al. 2016, table 1).
    pub const fn published(kind: ResNetBlock, depths: [usize; 4]) -> Self {
        let [a, b, c, d] = depths;
        let stages = [
            ResNetStage { blocks: a, kind, width: 64 },
            ResNetStage { blocks: b, kind, width: 128 },
            ResNetStage { blocks: c, kind, width: 256 },
            ResNetStage { blocks: d, kind, width: 512 },
        ];
        Self { stem: StemKind::Plain, stages, shortcut: DownsampleKind::Strided }
    }

    /// ResNet-50-D (He et al. 2019, "Bag of tricks", section 4).
    pub const fn resnet50d() -> Self {
        let stem = StemKind::Deep { width: 32 };
        let plain = Self::published(ResNetBlock::Bottleneck, [3, 4, 6, 3]);
        Self { stem, shortcut: DownsampleKind::Averaged, ..plain }
    }

    /// timm 1.0's `test_resnet`: a block of each kind, 0.4 million parameters below the head.
    pub const fn test() -> Self {
        use ResNetBlock::{Basic, Bottleneck};
        let stages = [
            ResNetStage { blocks: 1, kind: Basic, width: 32 },
            ResNetStage { blocks: 1, kind: Basic, width: 48 },
            ResNetStage { blocks: 1, kind: Bottleneck, width: 48 },
            ResNetStage { blocks: 1, kind: Basic, width: 96 },
        ];
        Self { stem: StemKind::Deep { width: 16 }, stages, shortcut: DownsampleKind::Averaged }
    }
}

impl ResNetStage {
    /// Returns the output channels.
    fn output(&self) -> usize {
        match self.kind {
            ResNetBlock::Basic => self.width,
            ResNetBlock::Bottleneck | ResNetBlock::SqueezedBottleneck => {
                self.width * bottleneck::EXPANSION
            }
        }
    }
}

/// A ResNet.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Stem,
    bn1: BatchNorm2d,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    head_drop: Dropout,
    fc: Linear,
}

// Burn has no `Module` for `Box`, and a network has only a few of these.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
enum Block {
    Basic(BasicBlock),
    Bottleneck(Bottleneck),
}

impl Block {
    fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        match self {
            Block::Basic(block) => block.forward(ops, x),
            Block::Bottleneck(block) => block.forward(ops, x),
        }
    }
}

impl ResNet {
    pub fn new(
        config: ResNetConfig,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        let last = config.stages.iter().map(|stage| stage.blocks).sum::<usize>() - 1;
        let mut channels = config.stem.output();
        let mut index = 0;
        let mut stage = |stage_index: usize| {
            let stage = &config.stages[stage_index];
            (0..stage.blocks)
                .map(|block| {
                    let stride = if block == 0 && stage_index > 0 { 2 } else { 1 };
                    // As in timm, stochastic depth grows from 0 in the first block to the full rate
                    // in the last.
                    let drop_path = rates.drop_path * index as f64 / last.max(1) as f64;
                    let input = channels;
                    channels = stage.output();
                    index += 1;
                    let (width, shortcut) = (stage.width, config.shortcut);
                    match stage.kind {
                        ResNetBlock::Basic => Block::Basic(BasicBlock::new(
                            input, width, stride, shortcut, drop_path, device,
                        )),
                        ResNetBlock::Bottleneck | ResNetBlock::SqueezedBottleneck => {
                            let block =
                                Bottleneck::new(input, width, stride, shortcut, drop_path, device);
                            let squeezes = stage.kind == ResNetBlock::SqueezedBottleneck;
                            Block::Bottleneck(if squeezes { block.squeezed(device) } else { block })
                        }
                    }
                })
                .collect()
        };
        let [layer1, layer2, layer3, layer4] = [stage(0), stage(1), stage(2), stage(3)];
        Self {
            conv1: Stem::new(config.stem, device),
            bn1: BatchNorm2d::new(config.stem.output(), Activation::Relu, device),
            layer1,
            layer2,
            layer3,
            layer4,
            head_drop: Dropout::new(rates.drop),
            fc: Linear::new(config.stages[3].output(), classes, device),
        }
    }
}

impl Backbone for ResNet {
    /// Stem, four stages of blocks, head.
    fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![Stage::new("stem", &["conv1", "bn1"])];
        stages
            .extend(["layer1", "layer2", "layer3", "layer4"].map(|name| Stage::new(name, &[name])));
        stages.push(Stage::new("head", &["fc"]));
        stages
    }

    /// Stem and blocks.
    fn rate_layers(&self) -> Vec<Vec<String>> {
        let mut layers = vec![["conv1", "bn1"].map(String::from).to_vec()];
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        for (stage, blocks) in (1..).zip(stages) {
            layers.extend((0..blocks.len()).map(|block| vec![format!("layer{stage}.{block}")]));
        }
        layers
    }

    fn partial(&self) -> Vec<String> {
        ["layer3", "layer4", "fc"].map(String::from).to_vec()
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        let x = x.into_map();
        let blocks = match index {
            0 => {
                let stem = self.conv1.forward(ops, &self.bn1, x);
                return Value::Map(ops.max_pool(stem, 3, 2, 1));
            }
            1 => &self.layer1,
            2 => &self.layer2,
            3 => &self.layer3,
            _ => &self.layer4,
        };
        Value::Map(blocks.iter().fold(x, |x, block| block.forward(ops, x)))
    }

    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map {
        ops.global_avg_pool(x.into_map())
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.fc
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        Initial::of_convolutional_network(name, shape)
    }
}
