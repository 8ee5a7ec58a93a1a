//! The shortcut where a residual block changes width or resolution.

use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, Ops};

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
pub(super) fn shortcut<O: Ops>(ops: &mut O, downsample: &Option<Downsample>, x: O::Value) -> O::Value {
    match downsample {
        Some((conv, bn)) => ops.conv_norm(conv, bn, x),
        None => x,
    }
}
