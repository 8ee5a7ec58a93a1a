//! RegNetY (Radosavovic et al. 2020, "Designing network design spaces"), as timm's `RegNet`: a
//! stem, four stages of residual blocks with grouped convolutions and squeeze-and-excitation, one
//! linear layer.

mod block;
mod conv_norm;
pub(crate) mod zoo;

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::backbone::{Backbone, Initial};
use crate::layers::{Conv2d, Dropout, Linear, Numbered, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::Stage;
use crate::value::{Value, ValueOf};
use block::Block;
use conv_norm::ConvNorm;

/// Channels after the stem.
const STEM: usize = 32;

/// Configuration of a RegNetY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegNetConfig {
    /// Blocks of each stage.
    pub depths: [usize; 4],
    /// Channels of each stage.
    pub widths: [usize; 4],
    /// Channels of a group of the 3x3 convolutions.
    pub group_width: usize,
}

/// A RegNetY.
#[derive(Module, Debug)]
pub struct RegNet {
    stem: ConvNorm,
    s1: Numbered<Block>,
    s2: Numbered<Block>,
    s3: Numbered<Block>,
    s4: Numbered<Block>,
    head_drop: Dropout,
    head: Head,
}

#[derive(Module, Debug)]
struct Head {
    fc: Linear,
}

impl RegNet {
    pub fn new(
        config: RegNetConfig,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        let RegNetConfig { depths, widths, group_width } = config;
        let last = (depths.iter().sum::<usize>() - 1).max(1) as f64;
        let mut channels = STEM;
        let mut index = 0;
        let mut stage = |stage: usize| {
            let blocks = (0..depths[stage]).map(|block| {
                let stride = if block == 0 { 2 } else { 1 };
                // As in timm, stochastic depth grows from 0 in the first block to the full rate in
                // the last.
                let drop_path = rates.drop_path * index as f64 / last;
                let input = channels;
                channels = widths[stage];
                index += 1;
                Block::new([input, channels], group_width, stride, drop_path, device)
            });
            Numbered::new(blocks.collect())
        };
        let [s1, s2, s3, s4] = [stage(0), stage(1), stage(2), stage(3)];
        let stem = Conv2d::new(3, STEM, 3, 2, device);
        Self {
            stem: ConvNorm::new(stem, Activation::Relu),
            s1,
            s2,
            s3,
            s4,
            head_drop: Dropout::new(rates.drop),
            head: Head { fc: Linear::new(widths[3], classes, device) },
        }
    }

    fn blocks(&self) -> [(&'static str, &Numbered<Block>); 4] {
        [("s1", &self.s1), ("s2", &self.s2), ("s3", &self.s3), ("s4", &self.s4)]
    }
}

impl Backbone for RegNet {
    /// Stem, four stages of blocks, head.
    fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![Stage::new("stem", &["stem"])];
        stages.extend(self.blocks().map(|(name, _)| Stage::new(name, &[name])));
        stages.push(Stage::new("head", &["head.fc"]));
        stages
    }

    /// Stem and blocks.
    fn rate_layers(&self) -> Vec<Vec<String>> {
        let mut layers = vec![vec!["stem".into()]];
        for (stage, blocks) in self.blocks() {
            layers.extend((1..=blocks.iter().count()).map(|b| vec![format!("{stage}.b{b}")]));
        }
        layers
    }

    /// The last stage of blocks, which has about a third of the weights, and the head.
    fn partial(&self) -> Vec<String> {
        ["s4", "head.fc"].map(String::from).to_vec()
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        let x = x.into_map();
        Value::Map(match index.checked_sub(1) {
            Some(stage) => self.blocks()[stage].1.iter().fold(x, |x, block| block.forward(ops, x)),
            None => self.stem.forward(ops, x),
        })
    }

    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map {
        ops.global_avg_pool(x.into_map())
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.head.fc
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        match *shape {
            // A group has as many outputs as channels.
            [_, channels, height, width] if name.ends_with(".conv2.conv.weight") => {
                Initial::convolution([channels, channels, height, width])
            }
            _ => Initial::of_convolutional_network(name, shape),
        }
    }
}
