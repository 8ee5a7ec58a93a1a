//! The shortcut where a residual block changes width or resolution.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, Ops, Place};

/// How the shortcut is reduced to the branch's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownsampleKind {
    /// The stride of its convolution.
    Strided,
    /// The mean of 2x2 pixels (He et al. 2019, "ResNet-D").
    Averaged,
}

/// timm's `downsample`: a 1x1 convolution and its normalisation, after a pooling in the averaged
/// kind.
// Burn has no `Module` for `Box`, and a network has only a few of these.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub(super) enum Downsample {
    Strided((Conv2d, BatchNorm2d)),
    Averaged((Place, Conv2d, BatchNorm2d)),
    /// The averaged kind where the resolution stays: nothing is pooled, and the place remains.
    Unpooled((Place, Conv2d, BatchNorm2d)),
}

/// Makes the downsampling of a shortcut; None where the shortcut is the identity.
pub(super) fn downsample(
    kind: DownsampleKind,
    input: usize,
    output: usize,
    stride: usize,
    device: &Device,
) -> Option<Downsample> {
    let norm = || BatchNorm2d::new(output, Activation::Identity, device);
    let conv = |stride| Conv2d::new(input, output, 1, stride, device);
    (stride != 1 || input != output).then(|| match (kind, stride) {
        (DownsampleKind::Strided, _) => Downsample::Strided((conv(stride), norm())),
        (DownsampleKind::Averaged, 1) => Downsample::Unpooled((Place::new(), conv(1), norm())),
        (DownsampleKind::Averaged, _) => {
            assert_eq!(stride, 2, "2x2 pixels are averaged");
            Downsample::Averaged((Place::new(), conv(1), norm()))
        }
    })
}

/// Computes the shortcut, which is added to the branch.
pub(super) fn shortcut<O: Ops>(ops: &mut O, downsample: &Option<Downsample>, x: O::Map) -> O::Map {
    match downsample {
        Some(Downsample::Strided((conv, bn)) | Downsample::Unpooled((_, conv, bn))) => {
            ops.conv_norm(conv, bn, x)
        }
        Some(Downsample::Averaged((_, conv, bn))) => {
            let averaged = ops.avg_pool(x, 2);
            ops.conv_norm(conv, bn, averaged)
        }
        None => x,
    }
}
