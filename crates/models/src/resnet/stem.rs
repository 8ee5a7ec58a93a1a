//! The layers before the first residual block.

use burn::module::Module;
use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, Ops, Place};

/// The kind of a stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StemKind {
    /// One 7x7 convolution to 64 channels.
    Plain,
    /// Three 3x3 convolutions: two to `width` channels, then one to twice as many.
    Deep {
        /// Channels of the first two convolutions.
        width: usize,
    },
}

impl StemKind {
    /// Returns the output channels.
    pub fn output(self) -> usize {
        match self {
            StemKind::Plain => 64,
            StemKind::Deep { width } => 2 * width,
        }
    }
}

/// timm's `conv1`; the last normalisation is the network's `bn1`.
// Burn has no `Module` for `Box`, and a network has only one of these.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub(super) enum Stem {
    Plain(Conv2d),
    Deep((Conv2d, BatchNorm2d, Place, Conv2d, BatchNorm2d, Place, Conv2d)),
}

impl Stem {
    pub fn new(kind: StemKind, device: &Device) -> Self {
        match kind {
            StemKind::Plain => Stem::Plain(Conv2d::new(3, kind.output(), 7, 2, device)),
            StemKind::Deep { width } => {
                let norm = || BatchNorm2d::new(width, Activation::Relu, device);
                Stem::Deep((
                    Conv2d::new(3, width, 3, 2, device),
                    norm(),
                    Place::new(),
                    Conv2d::new(width, width, 3, 1, device),
                    norm(),
                    Place::new(),
                    Conv2d::new(width, kind.output(), 3, 1, device),
                ))
            }
        }
    }

    pub fn forward<O: Ops>(&self, ops: &mut O, bn1: &BatchNorm2d, x: O::Map) -> O::Map {
        match self {
            Stem::Plain(conv) => ops.conv_norm(conv, bn1, x),
            Stem::Deep((first, first_norm, _, second, second_norm, _, last)) => {
                let x = ops.conv_norm(first, first_norm, x);
                let x = ops.conv_norm(second, second_norm, x);
                ops.conv_norm(last, bn1, x)
            }
        }
    }
}
