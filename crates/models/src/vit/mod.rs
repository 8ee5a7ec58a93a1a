//! Vision Transformer (Dosovitskiy et al. 2021), as timm's `VisionTransformer`: patches to tokens,
//! blocks of attention and perceptron, LayerNorm, the class token, one linear layer. DeiT III
//! (Touvron et al. 2022), DINOv2 (Oquab et al. 2024) with and without registers (Darcet et al.
//! 2024) and the image tower of CLIP (Radford et al. 2021) are its variants.

mod block;
pub(crate) mod zoo;

use std::ops::Range;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::backbone::{Backbone, Initial};
use crate::layers::{Conv2d, Dropout, LayerNorm, Linear, Ops, Position};
use crate::regularization::RegularizationRates;
use crate::stage::Stage;
use crate::value::{Value, ValueOf};
use block::{Block, BlockConfig};

/// Configuration of a Vision Transformer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VitConfig {
    /// Side of a patch in pixels.
    pub patch_px: usize,
    /// Patches along a side of the photos that the position embedding was learned on.
    pub grid: usize,
    /// Channels of a token.
    pub width: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Channels inside the perceptron, as a multiple of `width`.
    pub mlp_ratio: usize,
    /// Register tokens after the class token.
    pub registers: usize,
    /// Whether the class token has a position embedding. Registers have one only with it.
    pub is_class_embedded: bool,
    /// Where the factors of residual branches start; None: branches have no factors.
    pub layer_scale: Option<f32>,
    /// Whether tokens are normalised before the first block, as in CLIP. The patch embedding then
    /// has no bias.
    pub is_pre_normalised: bool,
    /// Added to the variances of LayerNorm.
    pub eps: f64,
}

impl VitConfig {
    /// A network of the paper (table 1), for photos of 224 by 224 in patches of 16 by 16.
    pub const fn published(width: usize, heads: usize) -> Self {
        Self {
            patch_px: 16,
            grid: 14,
            width,
            depth: 12,
            heads,
            mlp_ratio: 4,
            registers: 0,
            is_class_embedded: true,
            layer_scale: None,
            is_pre_normalised: false,
            eps: 1e-6,
        }
    }
}

/// A Vision Transformer.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    cls_token: Param<Tensor<3>>,
    reg_token: Option<Param<Tensor<3>>>,
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    norm_pre: Option<LayerNorm>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head_drop: Dropout,
    head: Linear,
    #[module(skip)]
    config: VitConfig,
}

#[derive(Module, Debug)]
struct PatchEmbed {
    proj: Conv2d,
}

impl VisionTransformer {
    pub fn new(
        config: VitConfig,
        classes: usize,
        rates: RegularizationRates,
        device: &Device,
    ) -> Self {
        let VitConfig { width, patch_px, grid, registers, eps, .. } = config;
        let parameter = |tokens| Param::from_tensor(Tensor::zeros([1, tokens, width], device));
        let proj = Conv2d::patches(3, width, patch_px, device);
        let last = (config.depth - 1).max(1) as f64;
        let block = |index: usize| {
            // As in timm, stochastic depth grows from 0 in the first block to the full rate in the
            // last.
            let drop_path = rates.drop_path * index as f64 / last;
            let block = BlockConfig {
                width,
                heads: config.heads,
                hidden: width * config.mlp_ratio,
                layer_scale: config.layer_scale,
                eps,
            };
            Block::new(&block, drop_path, device)
        };
        Self {
            cls_token: parameter(1),
            reg_token: (registers > 0).then(|| parameter(registers)),
            pos_embed: parameter(grid * grid + config.embedded_others()),
            patch_embed: PatchEmbed {
                proj: if config.is_pre_normalised { proj } else { proj.with_bias() },
            },
            norm_pre: config.is_pre_normalised.then(|| LayerNorm::new(width, eps, device)),
            blocks: (0..config.depth).map(block).collect(),
            norm: LayerNorm::new(width, eps, device),
            head_drop: Dropout::new(rates.drop),
            head: Linear::new(width, classes, device),
            config,
        }
    }

    /// Patches to tokens: class token, registers, patches.
    fn embed<O: Ops>(&self, ops: &mut O, pixels: O::Map) -> O::Tokens {
        let patches = ops.conv(&self.patch_embed.proj, pixels);
        let patches = ops.to_tokens(patches);
        let position = Position {
            embedding: &self.pos_embed,
            others: self.config.embedded_others(),
            patch_px: self.config.patch_px,
        };
        let with_others = |ops: &mut O, mut tokens: O::Tokens| {
            if let Some(registers) = &self.reg_token {
                tokens = ops.prepend_tokens(registers, tokens);
            }
            ops.prepend_tokens(&self.cls_token, tokens)
        };
        let tokens = if self.config.is_class_embedded {
            let tokens = with_others(ops, patches);
            ops.add_position(position, tokens)
        } else {
            let tokens = ops.add_position(position, patches);
            with_others(ops, tokens)
        };
        match &self.norm_pre {
            Some(norm) => ops.layer_norm(norm, tokens),
            None => tokens,
        }
    }
}

impl VitConfig {
    /// Tokens besides the patches that have a position embedding.
    fn embedded_others(&self) -> usize {
        if self.is_class_embedded { 1 + self.registers } else { 0 }
    }
}

impl Backbone for VisionTransformer {
    /// Embedding, every block by itself, the last normalisation, head.
    fn stages(&self) -> Vec<Stage> {
        let mut embedding = vec!["cls_token", "pos_embed", "patch_embed"];
        embedding.extend(self.reg_token.is_some().then_some("reg_token"));
        embedding.extend(self.norm_pre.is_some().then_some("norm_pre"));
        let mut stages = vec![Stage::new("embed", &embedding)];
        stages.extend((0..self.blocks.len()).map(|index| {
            let name = format!("blocks.{index}");
            Stage::new(name.clone(), &[&name])
        }));
        stages.extend([Stage::new("norm", &["norm"]), Stage::new("head", &["head"])]);
        stages
    }

    /// Its stages. The last normalisation belongs to the last block.
    fn rate_layers(&self) -> Vec<Vec<String>> {
        let stages = self.stages().into_iter().take(1 + self.blocks.len());
        let mut layers: Vec<_> = stages.map(|stage| stage.prefixes).collect();
        layers.last_mut().expect("an embedding").push("norm".into());
        layers
    }

    /// The last quarter of the blocks and everything above it.
    fn partial(&self) -> Vec<String> {
        let depth = self.blocks.len();
        let blocks = (depth - depth.div_ceil(4)..depth).map(|index| format!("blocks.{index}"));
        blocks.chain(["norm", "head"].map(String::from)).collect()
    }

    /// The last two blocks: the embedding is stage 0.
    fn late_stages(&self) -> Range<usize> {
        self.blocks.len() - 1..self.blocks.len() + 1
    }

    fn forward_stage<O: Ops>(&self, ops: &mut O, index: usize, x: ValueOf<O>) -> ValueOf<O> {
        if index == 0 {
            return Value::Tokens(self.embed(ops, x.into_map()));
        }
        let tokens = x.into_tokens();
        Value::Tokens(match self.blocks.get(index - 1) {
            Some(block) => block.forward(ops, tokens),
            None => ops.layer_norm(&self.norm, tokens),
        })
    }

    /// The last block's attention alone takes evidence from the patches to the class token. What it
    /// reads is watched.
    fn forward_explained<O: Ops>(
        &self,
        ops: &mut O,
        x: ValueOf<O>,
        watch: impl FnOnce(ValueOf<O>) -> ValueOf<O>,
    ) -> ValueOf<O> {
        let block = self.blocks.last().expect("a network has a block");
        let watch = |tokens| watch(Value::Tokens(tokens)).into_tokens();
        Value::Tokens(block.forward_watched(ops, x.into_tokens(), watch))
    }

    /// The class token and the registers.
    fn other_tokens(&self) -> usize {
        1 + self.config.registers
    }

    fn pre_logits<O: Ops>(&self, ops: &mut O, x: ValueOf<O>) -> O::Map {
        ops.first_token(x.into_tokens())
    }

    fn head_drop(&self) -> &Dropout {
        &self.head_drop
    }

    fn classifier(&self) -> &Linear {
        &self.head
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        match self.config.layer_scale {
            Some(start) if name.ends_with(".gamma") => Initial::Constant(start),
            _ => Initial::of_transformer(name, shape),
        }
    }
}
