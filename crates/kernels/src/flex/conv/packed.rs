//! A convolution's weights in the order in which its kernel reads them.

use super::winograd;
use super::{Geometry, Way, depthwise, pointwise, windows};
use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, Panels};

/// Packed weights.
#[derive(Debug)]
pub enum Packed {
    Pointwise(Panels),
    Depthwise(Buffer),
    Windows(Panels),
    Winograd(winograd::Kernels),
}

impl Packed {
    /// For evaluation: whatever is fastest. `w`: `[outputs, channels / groups, kernel, kernel]`.
    pub fn for_inference(w: &[f32], g: &Geometry) -> Self {
        if !g.suits_winograd() {
            return Self::direct(w, g);
        }
        let (channels, outputs) = (g.input.channels, g.output.channels);
        Packed::Winograd(winograd::Kernels::new(channels, outputs, |output, channel| {
            w[(output * channels + channel) * 9..][..9].try_into().expect("nine taps")
        }))
    }

    /// For training: sums as the definition has them. Transformed squares round a few times more, which normalisation
    /// over small batches makes larger with every step: after 20 steps of a ResNet-18 a running variance was 1.6 % off
    /// PyTorch's, where direct sums are within the 0.24 % by which PyTorch's own layouts differ. `w` as above.
    pub fn direct(w: &[f32], g: &Geometry) -> Self {
        let (channels, outputs) = (g.input.channels, g.output.channels);
        match g.way {
            Way::Pointwise => Packed::Pointwise(Panels::new(Matrix::new(w, outputs, channels).transposed())),
            Way::Depthwise => Packed::Depthwise(depthwise::by_tap(w, g, |tap| tap)),
            Way::Windows => Packed::Windows(windows::pack(w, g)),
        }
    }

    /// Whether the weights were packed as `g` needs them.
    pub fn fits(&self, g: &Geometry) -> bool {
        match self {
            Packed::Pointwise(_) => g.way == Way::Pointwise,
            Packed::Depthwise(_) => g.way == Way::Depthwise,
            Packed::Windows(_) => g.way == Way::Windows && !g.suits_winograd(),
            Packed::Winograd(_) => g.suits_winograd(),
        }
    }

    /// The convolution. `finish` sees the result in pieces of whole pixels, each with its first pixel, while it is in
    /// cache.
    pub fn convolve(&self, x: &[f32], g: &Geometry, finish: impl Fn(usize, &mut [f32]) + Sync) -> Buffer {
        match self {
            Packed::Pointwise(w) => pointwise::convolve(x, w, g, finish),
            Packed::Depthwise(w) => depthwise::convolve(x, w, g, finish),
            Packed::Windows(w) => windows::convolve(x, w, g, finish),
            Packed::Winograd(w) => winograd::convolve(x, w, g, finish),
        }
    }
}
