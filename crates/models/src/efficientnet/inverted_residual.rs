//! Inverted residual: narrow at both ends, wide and depthwise in the middle.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops, SqueezeExcite};

/// timm's `InvertedResidual`.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    conv_pw: Conv2d,
    bn1: BatchNorm2d,
    conv_dw: Conv2d,
    bn2: BatchNorm2d,
    se: Option<SqueezeExcite>,
    conv_pwl: Conv2d,
    bn3: BatchNorm2d,
    drop_path: DropPath,
    #[module(skip)]
    has_skip: bool,
}

impl InvertedResidual {
    pub fn new(
        input: usize,
        expanded: usize,
        config: &BlockConfig,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        Self {
            conv_pw: Conv2d::new(input, expanded, 1, 1, device),
            bn1: BatchNorm2d::new(expanded, config.activation, device),
            conv_dw: Conv2d::depthwise(expanded, config.kernel, config.stride, device),
            bn2: BatchNorm2d::new(expanded, config.activation, device),
            se: config.squeeze_excite.map(|se| SqueezeExcite::new(expanded, se, device)),
            conv_pwl: Conv2d::new(expanded, config.output, 1, 1, device),
            bn3: BatchNorm2d::new(config.output, Activation::Identity, device),
            drop_path: DropPath::new(drop_path),
            has_skip: config.stride == 1 && input == config.output,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = ops.conv_norm(&self.conv_pw, &self.bn1, x.clone());
        let mut branch = ops.conv_norm(&self.conv_dw, &self.bn2, branch);
        if let Some(se) = &self.se {
            branch = se.forward(ops, branch);
        }
        if self.has_skip {
            let end = (&self.conv_pwl, &self.bn3, &self.drop_path);
            ops.conv_norm_add(end, branch, x, Activation::Identity)
        } else {
            ops.conv_norm(&self.conv_pwl, &self.bn3, branch)
        }
    }
}
