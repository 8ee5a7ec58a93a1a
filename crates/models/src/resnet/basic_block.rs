//! The block of ResNet-18 and -34: two 3x3 convolutions and a shortcut.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::downsample::{Downsample, DownsampleKind, downsample, shortcut};
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops};

/// timm's `BasicBlock`.
#[derive(Module, Debug)]
pub struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    downsample: Option<Downsample>,
    drop_path: DropPath,
}

impl BasicBlock {
    pub fn new(
        input: usize,
        width: usize,
        stride: usize,
        shortcut: DownsampleKind,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        Self {
            conv1: Conv2d::new(input, width, 3, stride, device),
            bn1: BatchNorm2d::new(width, Activation::Relu, device),
            conv2: Conv2d::new(width, width, 3, 1, device),
            bn2: BatchNorm2d::new(width, Activation::Identity, device),
            downsample: downsample(shortcut, input, width, stride, device),
            drop_path: DropPath::new(drop_path),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = ops.conv_norm(&self.conv1, &self.bn1, x.clone());
        let shortcut = shortcut(ops, &self.downsample, x);
        ops.conv_norm_add(
            (&self.conv2, &self.bn2, &self.drop_path),
            branch,
            shortcut,
            Activation::Relu,
        )
    }
}
