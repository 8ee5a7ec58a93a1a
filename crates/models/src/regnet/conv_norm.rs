//! A convolution with its normalisation.

use burn::module::Module;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, Ops};

/// timm's `ConvNormAct`.
#[derive(Module, Debug)]
pub struct ConvNorm {
    pub conv: Conv2d,
    pub bn: BatchNorm2d,
}

impl ConvNorm {
    pub fn new(conv: Conv2d, activation: Activation) -> Self {
        let [outputs, _, _, _] = conv.weight.dims();
        let bn = BatchNorm2d::new(outputs, activation, &conv.weight.device());
        Self { conv, bn }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        ops.conv_norm(&self.conv, &self.bn, x)
    }
}
