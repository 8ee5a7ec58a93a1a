//! Convolution, forward and backward, by shape: pointwise, depthwise, and any other kernel of one group.

mod depthwise;
mod pointwise;
mod windows;

use burn_flex::FlexTensor;

use super::nhwc::{self, ChannelsLast, Dims};
use crate::ConvSpec;

/// Which of the ways a convolution takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Pointwise,
    Depthwise,
    Windows,
}

impl Way {
    /// `None`: none of them.
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

/// Whether this module computes it: dilated, rectangular and otherwise grouped convolutions it leaves to others.
pub fn is_supported(channels: usize, weight: [usize; 4], spec: ConvSpec) -> bool {
    Way::of(channels, weight, spec).is_some()
}

/// The numbers of one convolution.
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

    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }
}

/// The convolution. `finish` sees the result in pieces of whole pixels, each while it is in cache.
pub fn forward(
    x: &ChannelsLast,
    weight: &FlexTensor,
    spec: ConvSpec,
    finish: impl Fn(&mut [f32]) + Sync,
) -> FlexTensor {
    let g = Geometry::new(x.dims(), weight, spec);
    let w = nhwc::values(weight);
    let y = match g.way {
        Way::Pointwise => pointwise::forward(x.values(), &w, &g, finish),
        Way::Depthwise => depthwise::forward(x.values(), &w, &g, finish),
        Way::Windows => windows::forward(x.values(), &w, &g, finish),
    };
    nhwc::tensor(y, g.output)
}

/// The gradient with respect to the input.
pub fn input_gradient(gradient: &ChannelsLast, weight: &FlexTensor, g: &Geometry) -> FlexTensor {
    let w = nhwc::values(weight);
    let gx = match g.way {
        Way::Pointwise => pointwise::input_gradient(gradient.values(), &w, g),
        Way::Depthwise => depthwise::input_gradient(gradient.values(), &w, g),
        Way::Windows => windows::input_gradient(gradient.values(), &w, g),
    };
    nhwc::tensor(gx, g.input)
}

/// The gradient with respect to the weight, `[outputs, channels / groups, kernel, kernel]`.
pub fn weight_gradient(gradient: &ChannelsLast, x: &ChannelsLast, g: &Geometry) -> FlexTensor {
    let (gw, per_group) = match g.way {
        Way::Pointwise => (pointwise::weight_gradient(gradient.values(), x.values(), g), g.input.channels),
        Way::Depthwise => (depthwise::weight_gradient(gradient.values(), x.values(), g), 1),
        Way::Windows => (windows::weight_gradient(gradient.values(), x.values(), g), g.input.channels),
    };
    nhwc::contiguous(gw, &[g.output.channels, per_group, g.kernel, g.kernel])
}
