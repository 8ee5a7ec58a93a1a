//! The block of RegNetY: 1x1, grouped 3x3 and 1x1 convolutions of equal width and a shortcut.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use super::conv_norm::ConvNorm;
use crate::layers::{Conv2d, DropPath, Ops, SeModule};

/// timm's `Bottleneck` of RegNet, with the squeeze-and-excitation after the 3x3 convolution.
#[derive(Module, Debug)]
pub struct Block {
    conv1: ConvNorm,
    conv2: ConvNorm,
    se: SeModule,
    conv3: ConvNorm,
    downsample: Option<ConvNorm>,
    drop_path: DropPath,
}

impl Block {
    /// Makes a block of `input` to `width` channels.
    pub fn new(
        [input, width]: [usize; 2],
        group_width: usize,
        stride: usize,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        let pointwise = |input, stride| Conv2d::new(input, width, 1, stride, device);
        let grouped = Conv2d::grouped(width, width, 3, stride, width / group_width, device);
        let downsample = (stride != 1 || input != width)
            .then(|| ConvNorm::new(pointwise(input, stride), Activation::Identity));
        Self {
            conv1: ConvNorm::new(pointwise(input, 1), Activation::Relu),
            conv2: ConvNorm::new(grouped, Activation::Relu),
            // A quarter of the block's input, whatever its width.
            se: SeModule::new(width, input / 4, device),
            conv3: ConvNorm::new(pointwise(width, 1), Activation::Identity),
            downsample,
            drop_path: DropPath::new(drop_path),
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, x: O::Map) -> O::Map {
        let branch = self.conv1.forward(ops, x.clone());
        let branch = self.conv2.forward(ops, branch);
        let branch = self.se.forward(ops, branch);
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(ops, x),
            None => x,
        };
        let ConvNorm { conv, bn } = &self.conv3;
        ops.conv_norm_add((conv, bn, &self.drop_path), branch, shortcut, Activation::Relu)
    }
}
