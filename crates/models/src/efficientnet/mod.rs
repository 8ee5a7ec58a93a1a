//! EfficientNet (Tan and Le 2019), EfficientNetV2 (Tan and Le 2021), and MobileNet V2 (Sandler et
//! al. 2018), V3 (Howard et al. 2019) and V4 (Qin et al. 2024). As in timm, they are one family of
//! inverted residual blocks.

mod block;
mod block_config;
mod definitions;
mod edge_residual;
mod inverted_residual;
mod layer_maker;
mod separable;
mod universal;
pub(crate) mod zoo;

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::backbone::{Backbone, Initial};
use crate::layers::{BatchNorm2d, Conv2d, Dropout, Linear, Ops};
use crate::regularization::RegularizationRates;
use crate::stage::Stage;
use crate::value::{Value, ValueOf};
use block::Block;

use definitions::{EfficientNetConfig, HeadKind};
use layer_maker::{Convention, LayerMaker};

/// A network of the family.
#[derive(Module, Debug)]
pub struct EfficientNet {
    conv_stem: Conv2d,
    bn1: BatchNorm2d,
    blocks: Vec<Vec<Block>>,
    conv_head: Conv2d,
    bn2: Option<BatchNorm2d>,
    norm_head: Option<BatchNorm2d>,
    head_drop: Dropout,
    classifier: Linear,
    #[module(skip)]
    activation: Activation,
}

impl EfficientNet {
    pub fn new(
        config: &EfficientNetConfig,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        let make = LayerMaker { convention: config.convention, device };
        let total = config.stages.iter().map(Vec::len).sum::<usize>();
        let mut channels = config.stem;
        let mut index = 0;
        let blocks = config
            .stages
            .iter()
            .map(|stage| {
                stage
                    .iter()
                    .map(|block| {
                        let drop_path = rates.drop_path * index as f64 / total as f64;
                        let input = channels;
                        channels = block.output;
                        index += 1;
                        Block::new(input, block, drop_path, make)
                    })
                    .collect()
            })
            .collect();
        let conv_head = make.conv(channels, config.head, 1, 1);
        let norm = make.norm(config.head, config.activation);
        let (conv_head, bn2, norm_head) = match config.head_kind {
            HeadKind::NormThenPool => (conv_head, Some(norm), None),
            HeadKind::PoolThenConv => (conv_head.with_bias(), None, None),
            HeadKind::PoolThenNorm => (conv_head, None, Some(norm)),
        };
        Self {
            conv_stem: make.conv(3, config.stem, 3, 2),
            bn1: make.norm(config.stem, config.activation),
            blocks,
            conv_head,
            bn2,
            norm_head,
            head_drop: Dropout::new(rates.drop),
            classifier: Linear::new(config.head, classes, device),
            activation: config.activation,
        }
    }
}

impl EfficientNet {
    /// The name of the normalisation after the last convolution.
    fn norm_name(&self) -> Option<&'static str> {
        match (&self.bn2, &self.norm_head) {
            (Some(_), _) => Some("bn2"),
            (_, Some(_)) => Some("norm_head"),
            _ => None,
        }
    }
}

impl Backbone for EfficientNet {
    /// Stem, stages of blocks, the 1x1 convolution above them, head.
    fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![Stage::new("stem", &["conv_stem", "bn1"])];
        stages.extend((0..self.blocks.len()).map(|index| {
            let name = format!("blocks.{index}");
            Stage::new(name.clone(), &[&name])
        }));
        let mut conv_head = vec!["conv_head"];
        conv_head.extend(self.norm_name());
        stages.push(Stage::new("conv_head", &conv_head));
        stages.push(Stage::new("head", &["classifier"]));
        stages
    }

    /// Stem and blocks. A convolution that is pooled after belongs to the last block, as in timm's
    /// `EfficientNet`; one after the pooling to the head, as in its `MobileNetV3`.
    fn rate_layers(&self) -> Vec<Vec<String>> {
        let mut layers = vec![["conv_stem", "bn1"].map(String::from).to_vec()];
        for (stage, blocks) in self.blocks.iter().enumerate() {
            layers.extend((0..blocks.len()).map(|block| vec![format!("blocks.{stage}.{block}")]));
        }
        if self.bn2.is_some() {
            let last = layers.last_mut().expect("a stem");
            last.extend(["conv_head", "bn2"].map(String::from));
        }
        layers
    }

    /// The last stage of blocks and everything above it.
    fn partial(&self) -> Vec<String> {
        let mut prefixes = vec![format!("blocks.{}", self.blocks.len() - 1), "conv_head".into()];
        prefixes.extend(self.norm_name().map(String::from));
        prefixes.push("classifier".into());
        prefixes
    }

    /// The last two stages of blocks: the stem is stage 0.
    fn late_stages(&self) -> Range<usize> {
        self.blocks.len() - 1..self.blocks.len() + 1
    }

    /// The 1x1 convolution above the blocks, or the last stage of blocks if pooling comes first.
    fn explained_stage(&self) -> usize {
        self.blocks.len() + usize::from(self.bn2.is_some())
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        let x = x.into_map();
        if index == 0 {
            return Value::Map(ops.conv_norm(&self.conv_stem, &self.bn1, x));
        }
        Value::Map(match (self.blocks.get(index - 1), &self.bn2) {
            (Some(stage), _) => stage.iter().fold(x, |x, block| block.forward(ops, x)),
            (None, Some(bn2)) => ops.conv_norm(&self.conv_head, bn2, x),
            // MobileNetV3 and V4 pool first, so the 1x1 convolution runs on one pixel.
            (None, None) => {
                let pooled = ops.global_avg_pool(x);
                match &self.norm_head {
                    Some(norm) => ops.conv_norm(&self.conv_head, norm, pooled),
                    None => {
                        let features = ops.conv(&self.conv_head, pooled);
                        ops.activate(features, self.activation)
                    }
                }
            }
        })
    }

    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map {
        let x = x.into_map();
        match self.bn2 {
            Some(_) => ops.global_avg_pool(x),
            None => x,
        }
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.classifier
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        Initial::of_convolutional_network(name, shape)
    }
}
