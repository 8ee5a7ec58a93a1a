//! Depthwise separable convolution: the family's first block.

use burn::module::Module;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use super::layer_maker::LayerMaker;
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops, SqueezeExcite};

/// timm's `DepthwiseSeparableConv`.
#[derive(Module, Debug)]
pub struct DepthwiseSeparable {
    conv_dw: Conv2d,
    bn1: BatchNorm2d,
    se: Option<SqueezeExcite>,
    conv_pw: Conv2d,
    bn2: BatchNorm2d,
    drop_path: DropPath,
    #[module(skip)]
    has_skip: bool,
}

impl DepthwiseSeparable {
    pub fn new(input: usize, config: &BlockConfig, drop_path: f64, make: LayerMaker) -> Self {
        Self {
            conv_dw: make.depthwise(input, config.kernel, config.stride),
            bn1: make.norm(input, config.activation),
            se: config.squeeze_excite.map(|se| SqueezeExcite::new(input, se, make.device)),
            conv_pw: make.conv(input, config.output, 1, 1),
            bn2: make.norm(config.output, Activation::Identity),
            drop_path: DropPath::new(drop_path),
            has_skip: config.stride == 1 && input == config.output,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let mut branch = ops.conv_norm(&self.conv_dw, &self.bn1, x.clone());
        if let Some(se) = &self.se {
            branch = se.forward(ops, branch);
        }
        if self.has_skip {
            ops.conv_norm_add(
                (&self.conv_pw, &self.bn2, &self.drop_path),
                branch,
                x,
                Activation::Identity,
            )
        } else {
            ops.conv_norm(&self.conv_pw, &self.bn2, branch)
        }
    }
}
