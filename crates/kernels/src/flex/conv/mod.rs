//! Convolution, forward and backward, with one algorithm per shape: pointwise, depthwise, any other
//! kernel with one group, and kernels with groups of several channels.

mod depthwise;
mod geometry;
mod grouped;
mod packed;
mod pointwise;
mod windows;
mod winograd;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use self::geometry::Algorithm;
pub use self::geometry::{Geometry, is_supported};
pub use self::packed::Packed;
use super::channels::Passes;
use super::meter::count_multiply_adds;
use super::nhwc::{self, ChannelsLast};
use super::saved_input::SavedInput;
use super::simd::vectorised;
use super::tape::Parent;
use super::weights::PackedWeights;
use crate::types::ConvSpec;

/// Computes the convolution, for training.
pub fn forward(x: &ChannelsLast, weight: &FlexTensor, spec: ConvSpec) -> FlexTensor {
    let g = Geometry::new(x.dims(), weight, spec);
    count_multiply_adds(g.multiply_adds());
    let y = Packed::direct(&nhwc::values(weight), &g).convolve(x.values(), &g, |_, _| {});
    nhwc::tensor(y, g.output)
}

/// Weights of [`with_bias`], packed.
static PACKED: PackedWeights<Packed> = PackedWeights::new();

/// Computes the convolution and adds the bias, `[outputs]`, for inference.
pub fn with_bias(
    x: &ChannelsLast,
    weight: &FlexTensor,
    bias: &FlexTensor,
    spec: ConvSpec,
) -> FlexTensor {
    let g = Geometry::new(x.dims(), weight, spec);
    count_multiply_adds(g.multiply_adds());
    let pack = || Packed::direct(&nhwc::values(weight), &g);
    let packed = PACKED.get(weight, |packed| packed.is_direct_for(&g), pack);
    let passes = Passes::new(g.output.channels);
    let bias = passes.spread(nhwc::values(bias).to_vec().into_iter());
    let y = packed.convolve(x.values(), &g, |_, y| add_bias_to(y, &bias));
    nhwc::tensor(y, g.output)
}

/// Adds a bias, `[channels]`, in place if no other tensor shares the memory of `y`.
pub fn add_bias(mut y: ChannelsLast, bias: &FlexTensor) -> FlexTensor {
    let passes = Passes::new(y.dims().channels);
    let bias = passes.spread(nhwc::values(bias).to_vec().into_iter());
    y.values_mut().par_chunks_mut(passes.chunk).for_each(|y| add_bias_to(y, &bias));
    y.into_tensor()
}

/// Forgets the packed weight, because it is trained.
pub fn forget(weight: &FlexTensor) {
    PACKED.forget(weight);
}

fn add_bias_to(y: &mut [f32], bias: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for y in y.chunks_mut(bias.len()) {
                for (y, b) in y.iter_mut().zip(bias) {
                    *y += b;
                }
            }
        },
    );
}

/// Saves the input, the output of `parent`, for [`weight_gradient`]. A depthwise convolution always
/// keeps a copy: it does so little work per value that recomputing the input costs 13 % of a
/// training step of MobileNetV2.
pub fn save_input(x: ChannelsLast, parent: &Parent, g: &Geometry) -> SavedInput {
    if g.algorithm == Algorithm::Depthwise {
        SavedInput::Copy(x)
    } else {
        SavedInput::new(x, parent)
    }
}

/// Gradient with respect to the input.
pub fn input_gradient(gradient: &ChannelsLast, weight: &FlexTensor, g: &Geometry) -> FlexTensor {
    count_multiply_adds(g.multiply_adds());
    let w = nhwc::values(weight);
    let gx = match g.algorithm {
        Algorithm::Pointwise => pointwise::input_gradient(gradient.values(), &w, g),
        Algorithm::Depthwise => depthwise::input_gradient(gradient.values(), &w, g),
        Algorithm::Grouped => grouped::input_gradient(gradient.values(), &w, g),
        Algorithm::Windows => windows::input_gradient(gradient.values(), &w, g),
    };
    nhwc::tensor(gx, g.input)
}

/// Gradient with respect to the weight, `[outputs, channels / groups, kernel, kernel]`.
pub fn weight_gradient(gradient: &ChannelsLast, x: &SavedInput, g: &Geometry) -> FlexTensor {
    count_multiply_adds(g.multiply_adds());
    let gw = match g.algorithm {
        Algorithm::Pointwise => pointwise::weight_gradient(gradient.values(), x, g),
        Algorithm::Depthwise => depthwise::weight_gradient(gradient.values(), x, g),
        Algorithm::Grouped => grouped::weight_gradient(gradient.values(), x, g),
        Algorithm::Windows => windows::weight_gradient(gradient.values(), x, g),
    };
    nhwc::contiguous(gw, &[g.output.channels, g.channels_per_group(), g.kernel, g.kernel])
}
