//! A family of the tests alone: patches to tokens, residual blocks of LayerNorm and a perceptron,
//! LayerNorm, pooling, head. It has no BatchNorm, and no convolution but the first.
//!
//! This folder is the whole family. A test adds it with one line, `#[path] mod tokens`.
#![allow(dead_code)] // each test takes the parts that it needs

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use kennel_models::{
    Activation, Architecture, Backbone, Constructor, Conv2d, DropPath, Dropout, HeadDraw, Initial,
    LayerNorm, Linear, Ops, Position, RegularizationRates, Stage, Value, ValueOf,
};

const SIDE: usize = 32;
const PATCH: usize = 8;
const CHANNELS: usize = 24;
const HIDDEN: usize = 48;
const BLOCKS: usize = 2;
const EPS: f64 = 1e-6;

/// How tokens become one vector. Without attention a class token sees no patch, so the network that
/// has one averages it with the patches, and the other reads the first patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    Mean,
    FirstPatch,
}

/// The family's architectures: one for each pooling.
pub fn architectures() -> Vec<Architecture> {
    let of = |name, pool, global_pool, parameters| Architecture {
        name,
        group: "tests",
        good_for: "tests",
        head: "head",
        first_conv: "patch_embed.proj",
        global_pool,
        timm_head: HeadDraw::FanIn,
        side_px: SIDE as u32,
        side_step_px: PATCH as u32,
        test_side_px: SIDE as u32,
        micro_batch: 2,
        is_miniature: true,
        parameters,
        macs: 0,
        constructor: Constructor::new(move |classes, rates, device| {
            TokenNet::new(pool, classes, rates, device)
        }),
    };
    vec![
        of("tokens_mean", Pool::Mean, "avg", 34_960),
        of("tokens_first", Pool::FirstPatch, "token", 34_912),
    ]
}

#[derive(Module, Debug)]
pub struct TokenNet {
    patch_embed: PatchEmbed,
    cls_token: Option<Param<Tensor<3>>>,
    pos_embed: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head_drop: Dropout,
    head: Linear,
}

#[derive(Module, Debug)]
struct PatchEmbed {
    proj: Conv2d,
}

#[derive(Module, Debug)]
struct Block {
    norm2: LayerNorm,
    mlp: Mlp,
    drop_path2: DropPath,
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn new(drop_path: f64, device: &Device) -> Self {
        Self {
            norm2: LayerNorm::new(CHANNELS, EPS, device),
            mlp: Mlp {
                fc1: Linear::new(CHANNELS, HIDDEN, device),
                fc2: Linear::new(HIDDEN, CHANNELS, device),
            },
            drop_path2: DropPath::new(drop_path),
        }
    }

    fn forward<O: Ops>(&self, ops: &mut O, x: O::Tokens) -> O::Tokens {
        let branch = ops.layer_norm(&self.norm2, x.clone());
        let branch = ops.linear(&self.mlp.fc1, branch, Activation::Silu);
        ops.linear_add((&self.mlp.fc2, None, &self.drop_path2), branch, x)
    }
}

impl TokenNet {
    fn new(pool: Pool, classes: usize, rates: RegularizationRates, device: &Device) -> Self {
        let parameter = |tokens| Param::from_tensor(Tensor::zeros([1, tokens, CHANNELS], device));
        let class_tokens = usize::from(pool == Pool::Mean);
        Self {
            patch_embed: PatchEmbed {
                proj: Conv2d::patches(3, CHANNELS, PATCH, device).with_bias(),
            },
            cls_token: (pool == Pool::Mean).then(|| parameter(1)),
            pos_embed: parameter((SIDE / PATCH).pow(2) + class_tokens),
            blocks: (0..BLOCKS).map(|_| Block::new(rates.drop_path, device)).collect(),
            norm: LayerNorm::new(CHANNELS, EPS, device),
            head_drop: Dropout::new(rates.drop),
            head: Linear::new(CHANNELS, classes, device),
        }
    }
}

impl Backbone for TokenNet {
    fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![Stage::new("embed", &["patch_embed", "cls_token", "pos_embed"])];
        stages.extend((0..BLOCKS).map(|index| {
            let name = format!("blocks.{index}");
            Stage::new(name.clone(), &[&name])
        }));
        stages.extend([Stage::new("norm", &["norm"]), Stage::new("head", &["head"])]);
        stages
    }

    fn rate_layers(&self) -> Vec<Vec<String>> {
        let stages = self.stages().into_iter().take(1 + BLOCKS);
        let mut layers: Vec<_> = stages.map(|stage| stage.prefixes).collect();
        layers[BLOCKS].push("norm".into());
        layers
    }

    fn partial(&self) -> Vec<String> {
        [&format!("blocks.{}", BLOCKS - 1), "norm", "head"].map(String::from).to_vec()
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        if index == 0 {
            let patches = ops.conv(&self.patch_embed.proj, x.into_map());
            let mut tokens = ops.to_tokens(patches);
            if let Some(token) = &self.cls_token {
                tokens = ops.prepend_tokens(token, tokens);
            }
            let others = usize::from(self.cls_token.is_some());
            let position = Position { embedding: &self.pos_embed, others, patch_px: PATCH };
            return Value::Tokens(ops.add_position(position, tokens));
        }
        let tokens = x.into_tokens();
        Value::Tokens(match self.blocks.get(index - 1) {
            Some(block) => block.forward(ops, tokens),
            None => ops.layer_norm(&self.norm, tokens),
        })
    }

    fn other_tokens(&self) -> usize {
        usize::from(self.cls_token.is_some())
    }

    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map {
        let tokens = x.into_tokens();
        match self.cls_token {
            Some(_) => ops.mean_token(tokens),
            None => ops.first_token(tokens),
        }
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.head
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        match *shape {
            [outputs, channels, height, width] => {
                Initial::convolution([outputs, channels, height, width])
            }
            [outputs, features] => {
                Initial::Uniform { bound: (6.0 / (outputs + features) as f64).sqrt() }
            }
            // `cls_token` and `pos_embed`.
            [_, _, _] => Initial::Uniform { bound: 0.02 },
            _ if name.ends_with(".weight") => Initial::Constant(1.0),
            _ => Initial::Constant(0.0),
        }
    }
}
