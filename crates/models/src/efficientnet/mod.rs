//! EfficientNet (Tan and Le 2019), MobileNetV2 (Sandler et al. 2018) and MobileNetV3 (Howard et al.
//! 2019). As in timm, they are one family of inverted residual blocks.

mod block;
mod block_config;
mod definitions;
mod edge_residual;
mod inverted_residual;
mod separable;
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

pub use definitions::{
    EfficientNetConfig, HeadKind, efficientnet, mobilenetv2, mobilenetv3_large, mobilenetv3_small,
    test_efficientnet,
};

/// A network of the family.
#[derive(Module, Debug)]
pub struct EfficientNet {
    conv_stem: Conv2d,
    bn1: BatchNorm2d,
    blocks: Vec<Vec<Block>>,
    conv_head: Conv2d,
    bn2: Option<BatchNorm2d>,
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
                        Block::new(input, block, drop_path, device)
                    })
                    .collect()
            })
            .collect();
        let conv_head = Conv2d::new(channels, config.head, 1, 1, device);
        let (conv_head, bn2) = match config.head_kind {
            HeadKind::NormBeforePool => {
                (conv_head, Some(BatchNorm2d::new(config.head, config.activation, device)))
            }
            HeadKind::ConvAfterPool => (conv_head.with_bias(), None),
        };
        Self {
            conv_stem: Conv2d::new(3, config.stem, 3, 2, device),
            bn1: BatchNorm2d::new(config.stem, config.activation, device),
            blocks,
            conv_head,
            bn2,
            head_drop: Dropout::new(rates.drop),
            classifier: Linear::new(config.head, classes, device),
            activation: config.activation,
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
        stages.push(Stage::new("conv_head", &["conv_head", "bn2"]));
        stages.push(Stage::new("head", &["classifier"]));
        stages
    }

    /// The last stage of blocks and everything above it.
    fn partial(&self) -> Vec<String> {
        let mut prefixes = vec![format!("blocks.{}", self.blocks.len() - 1), "conv_head".into()];
        if self.bn2.is_some() {
            prefixes.push("bn2".into());
        }
        prefixes.push("classifier".into());
        prefixes
    }

    /// The last two stages of blocks: the stem is stage 0.
    fn late_stages(&self) -> Range<usize> {
        self.blocks.len() - 1..self.blocks.len() + 1
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        let x = x.into_map();
        if index == 0 {
            return Value::Map(ops.conv_norm(&self.conv_stem, &self.bn1, x));
        }
        Value::Map(match (self.blocks.get(index - 1), &self.bn2) {
            (Some(stage), _) => stage.iter().fold(x, |x, block| block.forward(ops, x)),
            (None, Some(bn2)) => ops.conv_norm(&self.conv_head, bn2, x),
            // MobileNetV3 pools first, so its 1x1 convolution runs on one pixel.
            (None, None) => {
                let pooled = ops.global_avg_pool(x);
                let features = ops.conv(&self.conv_head, pooled);
                ops.activate(features, self.activation)
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
