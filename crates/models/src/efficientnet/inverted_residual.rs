//! Inverted residual: narrow at both ends, wide and depthwise in the middle.

use burn::module::Module;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use super::layer_maker::LayerMaker;
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
        make: LayerMaker,
    ) -> Self {
        Self {
            conv_pw: make.conv(input, expanded, 1, 1),
            bn1: make.norm(expanded, config.activation),
            conv_dw: make.depthwise(expanded, config.kernel, config.stride),
            bn2: make.norm(expanded, config.activation),
            se: config.squeeze_excite.map(|se| SqueezeExcite::new(expanded, se, make.device)),
            conv_pwl: make.conv(expanded, config.output, 1, 1),
            bn3: make.norm(config.output, Activation::Identity),
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
