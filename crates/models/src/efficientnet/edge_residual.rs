//! Edge residual ("Fused-MBConv"): one full convolution replaces the pointwise and the depthwise
//! one.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops, SqueezeExcite};

/// timm's `EdgeResidual`.
#[derive(Module, Debug)]
pub struct EdgeResidual {
    conv_exp: Conv2d,
    bn1: BatchNorm2d,
    se: Option<SqueezeExcite>,
    conv_pwl: Conv2d,
    bn2: BatchNorm2d,
    drop_path: DropPath,
    #[module(skip)]
    has_skip: bool,
}

impl EdgeResidual {
    pub fn new(
        input: usize,
        expanded: usize,
        config: &BlockConfig,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        Self {
            conv_exp: Conv2d::new(input, expanded, config.kernel, config.stride, device),
            bn1: BatchNorm2d::new(expanded, config.activation, device),
            se: config.squeeze_excite.map(|se| SqueezeExcite::new(expanded, se, device)),
            conv_pwl: Conv2d::new(expanded, config.output, 1, 1, device),
            bn2: BatchNorm2d::new(config.output, Activation::Identity, device),
            drop_path: DropPath::new(drop_path),
            has_skip: config.stride == 1 && input == config.output,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let mut branch = ops.conv_norm(&self.conv_exp, &self.bn1, x.clone());
        if let Some(se) = &self.se {
            branch = se.forward(ops, branch);
        }
        if self.has_skip {
            ops.conv_norm_add(
                (&self.conv_pwl, &self.bn2, &self.drop_path),
                branch,
                x,
                Activation::Identity,
            )
        } else {
            ops.conv_norm(&self.conv_pwl, &self.bn2, branch)
        }
    }
}
