//! Depthwise separable convolution: the family's first block.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
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
    pub fn new(input: usize, config: &BlockConfig, drop_path: f64, device: &Device) -> Self {
        Self {
            conv_dw: Conv2d::depthwise(input, config.kernel, config.stride, device),
            bn1: BatchNorm2d::new(input, config.activation, device),
            se: config.squeeze_excite.map(|se| SqueezeExcite::new(input, se, device)),
            conv_pw: Conv2d::new(input, config.output, 1, 1, device),
            bn2: BatchNorm2d::new(config.output, Activation::Identity, device),
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
