//! Universal inverted bottleneck (Qin et al. 2024, section 4): an inverted residual whose two
//! depthwise convolutions, before and after the expansion, are both optional.

use burn::module::Module;
use kennel_kernels::Activation;

use super::block_config::BlockConfig;
use super::layer_maker::LayerMaker;
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops};

/// timm's `UniversalInvertedResidual`.
#[derive(Module, Debug)]
pub struct UniversalInvertedResidual {
    dw_start: Option<ConvNorm>,
    pw_exp: ConvNorm,
    dw_mid: Option<ConvNorm>,
    pw_proj: ConvNorm,
    drop_path: DropPath,
    #[module(skip)]
    has_skip: bool,
}

/// timm's `ConvNormAct`.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl UniversalInvertedResidual {
    /// `start` and `config.kernel` are the sides of the depthwise kernels before and after the
    /// expansion to `expanded` channels; 0 for none. The last of the two has the stride.
    pub fn new(
        input: usize,
        (start, expanded): (usize, usize),
        config: &BlockConfig,
        drop_path: f64,
        make: LayerMaker,
    ) -> Self {
        let depthwise = |channels, kernel, stride, activation| {
            (kernel > 0).then(|| ConvNorm {
                conv: make.depthwise(channels, kernel, stride),
                bn: make.norm(channels, activation),
            })
        };
        let pointwise = |channels, outputs, activation| ConvNorm {
            conv: make.conv(channels, outputs, 1, 1),
            bn: make.norm(outputs, activation),
        };
        let start_stride = if config.kernel > 0 { 1 } else { config.stride };
        Self {
            dw_start: depthwise(input, start, start_stride, Activation::Identity),
            pw_exp: pointwise(input, expanded, config.activation),
            dw_mid: depthwise(expanded, config.kernel, config.stride, config.activation),
            pw_proj: pointwise(expanded, config.output, Activation::Identity),
            drop_path: DropPath::new(drop_path),
            has_skip: config.stride == 1 && input == config.output,
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let mut branch = x.clone();
        for layer in self.dw_start.iter().chain([&self.pw_exp]).chain(&self.dw_mid) {
            branch = ops.conv_norm(&layer.conv, &layer.bn, branch);
        }
        let ConvNorm { conv, bn } = &self.pw_proj;
        if self.has_skip {
            ops.conv_norm_add((conv, bn, &self.drop_path), branch, x, Activation::Identity)
        } else {
            ops.conv_norm(conv, bn, branch)
        }
    }
}
