//! Makes the layers of the family by one convention.

use burn::tensor::Device;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d};

/// How a network pads and normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// As many zeros on every side; BatchNorm adds 1e-5 to the variance.
    PyTorch,
    /// `SAME` padding; BatchNorm adds 1e-3. Weights that were trained in TensorFlow need both.
    TensorFlow,
}

/// Makes layers for one device.
#[derive(Clone, Copy)]
pub struct LayerMaker<'a> {
    pub convention: Convention,
    pub device: &'a Device,
}

impl LayerMaker<'_> {
    pub fn conv(&self, channels: usize, outputs: usize, kernel: usize, stride: usize) -> Conv2d {
        self.padded(Conv2d::new(channels, outputs, kernel, stride, self.device), kernel)
    }

    pub fn depthwise(&self, channels: usize, kernel: usize, stride: usize) -> Conv2d {
        self.padded(Conv2d::depthwise(channels, kernel, stride, self.device), kernel)
    }

    pub fn norm(&self, channels: usize, activation: Activation) -> BatchNorm2d {
        let norm = BatchNorm2d::new(channels, activation, self.device);
        match self.convention {
            Convention::PyTorch => norm,
            Convention::TensorFlow => norm.with_eps(1e-3),
        }
    }

    fn padded(&self, conv: Conv2d, kernel: usize) -> Conv2d {
        match self.convention {
            Convention::TensorFlow if kernel > 1 => conv.padded_same(),
            _ => conv,
        }
    }
}
