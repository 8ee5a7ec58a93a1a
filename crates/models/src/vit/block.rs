//! A block of the Vision Transformer: attention and a perceptron, each in a residual branch.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use kennel_kernels::Activation;

use crate::layers::{DropPath, LayerNorm, Linear, Ops};

/// Configuration of a block.
pub struct BlockConfig {
    /// Channels of a token.
    pub width: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Channels inside the perceptron.
    pub hidden: usize,
    /// Where the factors of the branches start; None: they have no factors.
    pub layer_scale: Option<f32>,
    /// Added to the variances of LayerNorm.
    pub eps: f64,
}

/// timm's `Block` of the Vision Transformer.
#[derive(Module, Debug)]
pub struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ls1: Option<LayerScale>,
    drop_path1: DropPath,
    norm2: LayerNorm,
    mlp: Mlp,
    ls2: Option<LayerScale>,
    drop_path2: DropPath,
    #[module(skip)]
    heads: usize,
}

#[derive(Module, Debug)]
struct Attention {
    qkv: Linear,
    proj: Linear,
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

/// Factors of a residual branch (Touvron et al. 2021, section 2), `[channels]`.
#[derive(Module, Debug)]
struct LayerScale {
    gamma: Param<Tensor<1>>,
}

impl Block {
    pub fn new(config: &BlockConfig, drop_path: f64, device: &Device) -> Self {
        let &BlockConfig { width, heads, hidden, layer_scale, eps } = config;
        let scale = || {
            layer_scale.map(|start| LayerScale {
                gamma: Param::from_tensor(Tensor::full([width], start, device)),
            })
        };
        Self {
            norm1: LayerNorm::new(width, eps, device),
            attn: Attention {
                qkv: Linear::new(width, 3 * width, device),
                proj: Linear::new(width, width, device),
            },
            ls1: scale(),
            drop_path1: DropPath::new(drop_path),
            norm2: LayerNorm::new(width, eps, device),
            mlp: Mlp {
                fc1: Linear::new(width, hidden, device),
                fc2: Linear::new(hidden, width, device),
            },
            ls2: scale(),
            drop_path2: DropPath::new(drop_path),
            heads,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Tokens) -> O::Tokens {
        self.forward_watched(ops, x, |attended| attended)
    }

    /// As [`Block::forward`], with the attention's input, the output of `norm1`, passed through
    /// `watch`.
    pub fn forward_watched<O: Ops>(
        &self,
        ops: &mut O,
        x: O::Tokens,
        watch: impl FnOnce(O::Tokens) -> O::Tokens,
    ) -> O::Tokens {
        fn gamma(scale: &Option<LayerScale>) -> Option<&Param<Tensor<1>>> {
            scale.as_ref().map(|scale| &scale.gamma)
        }
        let branch = watch(ops.layer_norm(&self.norm1, x.clone()));
        let branch = ops.linear(&self.attn.qkv, branch, Activation::Identity);
        let branch = ops.attention(branch, self.heads);
        let end = (&self.attn.proj as _, gamma(&self.ls1), &self.drop_path1);
        let x = ops.linear_add(end, branch, x);
        let branch = ops.layer_norm(&self.norm2, x.clone());
        let branch = ops.linear(&self.mlp.fc1, branch, Activation::Gelu);
        let end = (&self.mlp.fc2 as _, gamma(&self.ls2), &self.drop_path2);
        ops.linear_add(end, branch, x)
    }
}
