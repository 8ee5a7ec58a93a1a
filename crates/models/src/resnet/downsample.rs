//! The shortcut where a residual block changes width or resolution.

use burn::tensor::{Device, Tensor};
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, conv_norm};

/// A 1x1 convolution and its normalisation: timm's `downsample.0` and `downsample.1`.
pub(super) type Downsample = (Conv2d, BatchNorm2d);

/// None where the shortcut is the identity.
pub(super) fn downsample(input: usize, output: usize, stride: usize, device: &Device) -> Option<Downsample> {
    (stride != 1 || input != output).then(|| {
        (
            Conv2d::new(input, output, 1, stride, device),
            BatchNorm2d::new(output, Activation::Identity, device),
        )
    })
}

/// What is added to the branch.
pub(super) fn shortcut(downsample: &Option<Downsample>, x: Tensor<4>) -> Tensor<4> {
    match downsample {
        Some((conv, bn)) => conv_norm(conv, bn, x),
        None => x,
    }
}
