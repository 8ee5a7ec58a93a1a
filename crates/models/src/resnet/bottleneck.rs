//! The block of ResNet-50 and deeper: 1x1, 3x3 and 1x1 convolutions and a shortcut.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::downsample::{Downsample, DownsampleKind, downsample, shortcut};
use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops, SeModule};

/// Output channels per channel of the 3x3 convolution.
pub(super) const EXPANSION: usize = 4;

/// timm's `Bottleneck`, with the stride in the 3x3 convolution ("v1.5").
#[derive(Module, Debug)]
pub struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    conv3: Conv2d,
    bn3: BatchNorm2d,
    se: Option<SeModule>,
    downsample: Option<Downsample>,
    drop_path: DropPath,
}

impl Bottleneck {
    pub fn new(
        input: usize,
        width: usize,
        stride: usize,
        shortcut: DownsampleKind,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        let output = width * EXPANSION;
        Self {
            conv1: Conv2d::new(input, width, 1, 1, device),
            bn1: BatchNorm2d::new(width, Activation::Relu, device),
            conv2: Conv2d::new(width, width, 3, stride, device),
            bn2: BatchNorm2d::new(width, Activation::Relu, device),
            conv3: Conv2d::new(width, output, 1, 1, device),
            bn3: BatchNorm2d::new(output, Activation::Identity, device),
            se: None,
            downsample: downsample(shortcut, input, output, stride, device),
            drop_path: DropPath::new(drop_path),
        }
    }

    /// Adds a squeeze-and-excitation to a sixteenth of the channels.
    pub fn squeezed(mut self, device: &Device) -> Self {
        let output = self.bn3.weight.dims()[0];
        self.se = Some(SeModule::new(output, output / 16, device));
        self
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = ops.conv_norm(&self.conv1, &self.bn1, x.clone());
        let branch = ops.conv_norm(&self.conv2, &self.bn2, branch);
        let shortcut = shortcut(ops, &self.downsample, x);
        if let Some(se) = &self.se {
            let branch = ops.conv_norm(&self.conv3, &self.bn3, branch);
            let branch = se.forward(ops, branch);
            let sum = ops.add(branch, &self.drop_path, shortcut);
            return ops.activate(sum, Activation::Relu);
        }
        ops.conv_norm_add(
            (&self.conv3, &self.bn3, &self.drop_path),
            branch,
            shortcut,
            Activation::Relu,
        )
    }
}
