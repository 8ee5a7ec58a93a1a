//! ResNet (He et al. 2016), as timm's `ResNet`: a 7x7 stem, four stages of residual blocks, one linear layer.

mod basic_block;
mod bottleneck;
mod downsample;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, Dropout, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::Stage;
use basic_block::BasicBlock;
use bottleneck::Bottleneck;

/// Which ResNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// Blocks in each of the four stages.
    pub depths: [usize; 4],
    /// Whether blocks are bottlenecks (1x1, 3x3, 1x1, four times wider at the end) or basic (3x3, 3x3).
    pub bottleneck: bool,
}

/// The network.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    head_drop: Dropout,
    fc: Linear,
}

// A box is not a module in Burn; there are a few of these per network.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
enum Block {
    Basic(BasicBlock),
    Bottleneck(Bottleneck),
}

impl Block {
    fn forward<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        match self {
            Block::Basic(block) => block.forward(ops, x),
            Block::Bottleneck(block) => block.forward(ops, x),
        }
    }
}

impl ResNet {
    pub fn new(config: ResNetConfig, classes: usize, rates: RegularizationRates, device: &Device) -> Self {
        let expansion = if config.bottleneck { bottleneck::EXPANSION } else { 1 };
        let last = config.depths.iter().sum::<usize>() - 1;
        let mut channels = 64;
        let mut index = 0;
        let mut stage = |stage_index: usize| {
            let width = 64 << stage_index;
            (0..config.depths[stage_index])
                .map(|block| {
                    let stride = if block == 0 && stage_index > 0 { 2 } else { 1 };
                    // timm spreads stochastic depth from 0 at the first block to the full rate at the last.
                    let drop_path = rates.drop_path * index as f64 / last.max(1) as f64;
                    let input = channels;
                    channels = width * expansion;
                    index += 1;
                    if config.bottleneck {
                        Block::Bottleneck(Bottleneck::new(input, width, stride, drop_path, device))
                    } else {
                        Block::Basic(BasicBlock::new(input, width, stride, drop_path, device))
                    }
                })
                .collect()
        };
        let [layer1, layer2, layer3, layer4] = [stage(0), stage(1), stage(2), stage(3)];
        Self {
            conv1: Conv2d::new(3, 64, 7, 2, device),
            bn1: BatchNorm2d::new(64, Activation::Relu, device),
            layer1,
            layer2,
            layer3,
            layer4,
            head_drop: Dropout::new(rates.drop),
            fc: Linear::new(512 * expansion, classes, device),
        }
    }

    /// Stem, four stages, head.
    pub fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![Stage::new("stem", &["conv1", "bn1"])];
        stages.extend(["layer1", "layer2", "layer3", "layer4"].map(|name| Stage::new(name, &[name])));
        stages.push(Stage::new("head", &["fc"]));
        stages
    }

    /// What `partial` trains.
    pub fn partial(&self) -> Vec<String> {
        ["layer3", "layer4", "fc"].map(String::from).to_vec()
    }

    pub fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: O::Value) -> O::Value {
        let blocks = match index {
            0 => {
                let stem = ops.conv_norm(&self.conv1, &self.bn1, x);
                return ops.max_pool(stem, 3, 2, 1);
            }
            1 => &self.layer1,
            2 => &self.layer2,
            3 => &self.layer3,
            _ => &self.layer4,
        };
        blocks.iter().fold(x, |x, block| block.forward(ops, x))
    }

    /// `[batch, features, 1, 1]`.
    pub fn pre_logits<O: Ops>(&self, ops: &mut O, x: O::Value) -> O::Value {
        ops.global_avg_pool(x)
    }

    /// The last layer.
    pub fn classifier(&self) -> &Linear {
        &self.fc
    }

    pub fn classify(&self, pre_logits: Tensor<2>) -> Tensor<2> {
        self.fc.forward(self.head_drop.forward(pre_logits))
    }
}
