//! Convolution, forward and backward, with one algorithm per shape: pointwise, depthwise, and any
//! other kernel with one group.

mod depthwise;
mod packed;
mod pointwise;
mod windows;
mod winograd;

use std::ops::Range;

use burn_flex::FlexTensor;

pub use self::packed::Packed;
use super::nhwc::{self, ChannelsLast, Dims};
use super::normalised::Kept;
use crate::ConvSpec;
use crate::work::count_multiply_adds;

/// Algorithm of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Pointwise,
    Depthwise,
    Windows,
}

impl Way {
    /// `None` if no algorithm supports the convolution.
    fn of(channels: usize, weight: [usize; 4], spec: ConvSpec) -> Option<Self> {
        let [outputs, per_group, kernel, other] = weight;
        let ConvSpec { padding, dilation, groups, .. } = spec;
        if kernel != other || dilation != 1 {
            None
        } else if groups == 1 && per_group == channels {
            Some(if kernel == 1 && padding == 0 { Way::Pointwise } else { Way::Windows })
        } else if groups == channels && outputs == channels && matches!(kernel, 3 | 5) {
            Some(Way::Depthwise)
        } else {
            None
        }
    }
}

/// Whether this module supports the convolution. Burn's own operations compute the others: dilated,
/// rectangular and otherwise grouped.
pub fn is_supported(channels: usize, weight: [usize; 4], spec: ConvSpec) -> bool {
    Way::of(channels, weight, spec).is_some()
}

/// Shapes and parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    input: Dims,
    output: Dims,
    kernel: usize,
    stride: usize,
    padding: usize,
    way: Way,
}

impl Geometry {
    pub fn new(input: Dims, weight: &FlexTensor, spec: ConvSpec) -> Self {
        let weight = Dims::of(weight);
        let kernel = weight.height;
        let side = |side: usize| {
            assert!(side + 2 * spec.padding >= kernel, "a kernel of {kernel} over {side} pixels");
            (side + 2 * spec.padding - kernel) / spec.stride + 1
        };
        let output = Dims {
            batch: input.batch,
            channels: weight.batch,
            height: side(input.height),
            width: side(input.width),
        };
        let way = Way::of(input.channels, [weight.batch, weight.channels, kernel, weight.width], spec);
        Self {
            input,
            output,
            kernel,
            stride: spec.stride,
            padding: spec.padding,
            way: way.expect("asked `is_supported` first"),
        }
    }

    pub fn output(&self) -> Dims {
        self.output
    }

    /// Multiply-adds of the forward pass, and of each of the two gradients.
    pub fn multiply_adds(&self) -> usize {
        let per_group = if self.way == Way::Depthwise { 1 } else { self.input.channels };
        self.output.len() * per_group * self.taps()
    }

    fn suits_winograd(&self) -> bool {
        self.way == Way::Windows && winograd::suits(self)
    }

    /// Input rows that a range of output rows of a photo uses.
    fn input_rows(&self, outputs: Range<usize>) -> Range<usize> {
        let from = (outputs.start * self.stride).saturating_sub(self.padding);
        let to = ((outputs.end - 1) * self.stride + self.kernel).saturating_sub(self.padding);
        let to = to.min(self.input.height);
        from.min(to)..to
    }

    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }
}

/// Computes the convolution, for training.
pub fn forward(x: &ChannelsLast, weight: &FlexTensor, spec: ConvSpec) -> FlexTensor {
    let g = Geometry::new(x.dims(), weight, spec);
    count_multiply_adds(g.multiply_adds());
    let y = Packed::direct(&nhwc::values(weight), &g).convolve(x.values(), &g, |_, _| {});
    nhwc::tensor(y, g.output)
}

/// Keeps the input with identifier `id` for [`weight_gradient`]. For a depthwise convolution it
/// always stores the input: the layer does so little work per value that recomputing the input
/// costs 13 % of a training step of MobileNetV2.
pub fn keep(id: u64, x: ChannelsLast, g: &Geometry) -> Kept {
    if g.way == Way::Depthwise { Kept::As(x) } else { Kept::new(id, x) }
}

/// Gradient with respect to the input.
pub fn input_gradient(gradient: &ChannelsLast, weight: &FlexTensor, g: &Geometry) -> FlexTensor {
    count_multiply_adds(g.multiply_adds());
    let w = nhwc::values(weight);
    let gx = match g.way {
        Way::Pointwise => pointwise::input_gradient(gradient.values(), &w, g),
        Way::Depthwise => depthwise::input_gradient(gradient.values(), &w, g),
        Way::Windows => windows::input_gradient(gradient.values(), &w, g),
    };
    nhwc::tensor(gx, g.input)
}

/// Gradient with respect to the weight, `[outputs, channels / groups, kernel, kernel]`.
pub fn weight_gradient(gradient: &ChannelsLast, x: &Kept, g: &Geometry) -> FlexTensor {
    count_multiply_adds(g.multiply_adds());
    let (gw, per_group) = match g.way {
        Way::Pointwise => (pointwise::weight_gradient(gradient.values(), x, g), g.input.channels),
        Way::Depthwise => (depthwise::weight_gradient(gradient.values(), x, g), 1),
        Way::Windows => (windows::weight_gradient(gradient.values(), x, g), g.input.channels),
    };
    nhwc::contiguous(gw, &[g.output.channels, per_group, g.kernel, g.kernel])
}
