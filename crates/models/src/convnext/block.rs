//! A block of ConvNeXt: a depthwise convolution of 7x7, LayerNorm and a perceptron on every pixel,
//! in one residual branch.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use kennel_kernels::Activation;

use super::config::{ConvNextConfig, LAYER_SCALE};
use crate::layers::{Affine, Conv2d, DropPath, GlobalResponseNorm, LayerNorm, Linear, Ops};

/// Configuration of a block.
pub struct BlockConfig {
    width: usize,
    is_v2: bool,
    has_conv_mlp: bool,
    activation: Activation,
    eps: f64,
}

impl BlockConfig {
    /// The blocks of a stage of `width` channels.
    pub fn of(config: &ConvNextConfig, width: usize) -> Self {
        let ConvNextConfig { is_v2, has_conv_mlp, activation, eps, .. } = *config;
        Self { width, is_v2, has_conv_mlp, activation, eps }
    }
}

/// timm's `ConvNeXtBlock`.
#[derive(Module, Debug)]
pub struct Block {
    conv_dw: Conv2d,
    norm: LayerNorm,
    mlp: Mlp,
    gamma: Option<Param<Tensor<1>>>,
    drop_path: DropPath,
    #[module(skip)]
    activation: Activation,
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Layer,
    grn: Option<GlobalResponseNorm>,
    fc2: Layer,
}

#[derive(Module, Debug)]
enum Layer {
    Linear(Linear),
    Conv(Conv2d),
}

impl Layer {
    fn new(features: usize, outputs: usize, is_conv: bool, device: &Device) -> Self {
        if is_conv {
            Layer::Conv(Conv2d::new(features, outputs, 1, 1, device).with_bias())
        } else {
            Layer::Linear(Linear::new(features, outputs, device))
        }
    }

    fn affine(&self) -> &dyn Affine {
        match self {
            Layer::Linear(linear) => linear,
            Layer::Conv(conv) => conv,
        }
    }
}

impl Block {
    pub fn new(config: &BlockConfig, drop_path: f64, device: &Device) -> Self {
        let &BlockConfig { width, is_v2, has_conv_mlp, activation, eps } = config;
        let hidden = 4 * width;
        Self {
            conv_dw: Conv2d::depthwise(width, 7, 1, device).with_bias(),
            norm: LayerNorm::new(width, eps, device),
            mlp: Mlp {
                fc1: Layer::new(width, hidden, has_conv_mlp, device),
                grn: is_v2.then(|| GlobalResponseNorm::new(hidden, device)),
                fc2: Layer::new(hidden, width, has_conv_mlp, device),
            },
            gamma: (!is_v2).then(|| Param::from_tensor(Tensor::full([width], LAYER_SCALE, device))),
            drop_path: DropPath::new(drop_path),
            activation,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = ops.conv(&self.conv_dw, x.clone());
        let branch = ops.to_tokens(branch);
        let branch = ops.layer_norm(&self.norm, branch);
        let mut branch = ops.linear(self.mlp.fc1.affine(), branch, self.activation);
        if let Some(grn) = &self.mlp.grn {
            branch = ops.response_norm(grn, branch);
        }
        let shortcut = ops.to_tokens(x.clone());
        let end = (self.mlp.fc2.affine(), self.gamma.as_ref(), &self.drop_path);
        let sum = ops.linear_add(end, branch, shortcut);
        ops.to_map(sum, &x)
    }
}
