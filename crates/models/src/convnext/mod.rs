//! ConvNeXt (Liu et al. 2022) and ConvNeXt V2 (Woo et al. 2023), as timm's `ConvNeXt`: patches of
//! 4x4, four stages of blocks, pooling, LayerNorm, one linear layer.

mod block;
mod config;
pub(crate) mod zoo;

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Device;

use crate::backbone::{Backbone, Initial};
use crate::layers::{Conv2d, Dropout, LayerNorm, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::Stage as StageNames;
use crate::value::{Value, ValueOf};
use block::{Block, BlockConfig};
use config::{ConvNextConfig, LAYER_SCALE};

/// A ConvNeXt.
#[derive(Module, Debug)]
pub struct ConvNext {
    stem: (Conv2d, LayerNorm),
    stages: Vec<Stage>,
    head_drop: Dropout,
    head: Head,
}

#[derive(Module, Debug)]
struct Stage {
    downsample: Option<(LayerNorm, Conv2d)>,
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Head {
    norm: LayerNorm,
    fc: Linear,
}

impl ConvNext {
    pub fn new(
        config: ConvNextConfig,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        let ConvNextConfig { depths, widths, eps, .. } = config;
        let last = (depths.iter().sum::<usize>() - 1).max(1) as f64;
        let mut index = 0;
        let mut stage = |stage: usize| {
            let width = widths[stage];
            let downsample = (stage > 0).then(|| {
                let below = widths[stage - 1];
                let conv = Conv2d::patches(below, width, 2, device).with_bias();
                (LayerNorm::new(below, eps, device), conv)
            });
            let block = |_| {
                // As in timm, stochastic depth grows from 0 in the first block to the full rate in
                // the last.
                let drop_path = rates.drop_path * index as f64 / last;
                index += 1;
                Block::new(&BlockConfig::of(&config, width), drop_path, device)
            };
            Stage { downsample, blocks: (0..depths[stage]).map(block).collect() }
        };
        let stem = Conv2d::patches(3, widths[0], 4, device).with_bias();
        Self {
            stem: (stem, LayerNorm::new(widths[0], eps, device)),
            stages: (0..4).map(&mut stage).collect(),
            head_drop: Dropout::new(rates.drop),
            head: Head {
                norm: LayerNorm::new(widths[3], eps, device),
                fc: Linear::new(widths[3], classes, device),
            },
        }
    }
}

/// Normalises the channels of every pixel.
fn normalised<O: Ops>(ops: &mut O, norm: &LayerNorm, x: O::Map) -> O::Map {
    let tokens = ops.to_tokens(x.clone());
    let tokens = ops.layer_norm(norm, tokens);
    ops.to_map(tokens, &x)
}

impl Backbone for ConvNext {
    /// Stem, four stages with the downsampling before each, pooling and normalisation, head.
    fn stages(&self) -> Vec<StageNames> {
        let mut stages = vec![StageNames::new("stem", &["stem"])];
        stages.extend((0..self.stages.len()).map(|index| {
            let name = format!("stages.{index}");
            StageNames::new(name.clone(), &[&name])
        }));
        stages.push(StageNames::new("norm", &["head.norm"]));
        stages.push(StageNames::new("head", &["head.fc"]));
        stages
    }

    /// Stem and blocks. The downsampling of a stage belongs to its first block.
    fn rate_layers(&self) -> Vec<Vec<String>> {
        let mut layers = vec![vec!["stem".into()]];
        for (stage, Stage { blocks, .. }) in self.stages.iter().enumerate() {
            let first = layers.len();
            layers.extend((0..blocks.len()).map(|b| vec![format!("stages.{stage}.blocks.{b}")]));
            layers[first].push(format!("stages.{stage}.downsample"));
        }
        layers
    }

    /// The last stage, with its downsampling, and everything above it.
    fn partial(&self) -> Vec<String> {
        let last = format!("stages.{}", self.stages.len() - 1);
        [&last, "head.norm", "head.fc"].map(String::from).to_vec()
    }

    /// The last two stages of blocks: the stem is stage 0.
    fn late_stages(&self) -> Range<usize> {
        self.stages.len() - 1..self.stages.len() + 1
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        let x = x.into_map();
        if index == 0 {
            let (conv, norm) = &self.stem;
            let x = ops.conv(conv, x);
            return Value::Map(normalised(ops, norm, x));
        }
        let Some(stage) = self.stages.get(index - 1) else {
            let pooled = ops.global_avg_pool(x);
            return Value::Map(normalised(ops, &self.head.norm, pooled));
        };
        let x = match &stage.downsample {
            Some((norm, conv)) => {
                let x = normalised(ops, norm, x);
                ops.conv(conv, x)
            }
            None => x,
        };
        Value::Map(stage.blocks.iter().fold(x, |x, block| block.forward(ops, x)))
    }

    fn pre_logits<O: Ops>(&self, _: &mut O, x: ValueOf<O>) -> O::Map {
        x.into_map()
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.head.fc
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        if name.ends_with(".gamma") {
            Initial::Constant(LAYER_SCALE)
        } else if name.contains(".grn.") {
            Initial::Constant(0.0)
        } else {
            Initial::of_transformer(name, shape)
        }
    }
}
