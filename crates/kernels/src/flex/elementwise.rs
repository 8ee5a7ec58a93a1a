//! Separate activations, residual sums, and scaling of channels.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::buffer::Buffer;
use super::channels::{Passes, for_each_in_place, for_each_span, rewrite};
use super::nhwc::{self, ChannelsLast, Dims};
use super::pointwise::{Pointwise, slope_from_value, with_activation};
use super::simd::vectorised;
use crate::types::Activation;

/// Computes `activation(x)`, in place if no other tensor shares the memory of `x`.
pub fn activate(mut x: ChannelsLast, activation: Activation) -> FlexTensor {
    let dims = x.dims();
    with_activation!(activation, A => {
        if x.is_unique() {
            for_each_in_place(x.values_mut(), Passes::flat(), #[inline(always)] |x| {
                for x in x.iter_mut() {
                    *x = A::value(*x);
                }
            });
            return x.into_tensor();
        }
        let mut y = Buffer::new(dims.len());
        for_each_span(&mut y, x.values(), Passes::flat(), #[inline(always)] |y, x| {
            for (y, x) in y.iter_mut().zip(x) {
                *y = A::value(*x);
            }
        });
        nhwc::tensor(y, dims)
    })
}

/// Gradient of the input of [`activate`], from that of its output.
pub fn activate_gradient(
    x: &ChannelsLast,
    gradient: ChannelsLast,
    activation: Activation,
) -> FlexTensor {
    with_activation!(activation, A => {
        rewrite(gradient, x.values(), Passes::flat(), #[inline(always)] |g, x| {
            for (g, x) in g.iter_mut().zip(x) {
                *g *= A::slope(*x);
            }
        })
    })
}

/// Computes `activation(a + b)`, in place in the operand whose memory no other tensor shares, if
/// there is one.
pub fn residual_add(a: ChannelsLast, b: ChannelsLast, activation: Activation) -> FlexTensor {
    assert_eq!(a.dims(), b.dims());
    let dims = a.dims();
    let (mut a, b) = if a.is_unique() || !b.is_unique() { (a, b) } else { (b, a) };
    with_activation!(activation, A => {
        if a.is_unique() {
            for_each_span(a.values_mut(), b.values(), Passes::flat(), #[inline(always)] |a, b| {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = A::value(*a + b);
                }
            });
            return a.into_tensor();
        }
        let (mut y, chunk) = (Buffer::new(dims.len()), Passes::flat().chunk);
        let (a, b) = (a.values().par_chunks(chunk), b.values().par_chunks(chunk));
        y.par_chunks_mut(chunk).zip(a).zip(b).for_each(|((y, a), b)| {
            vectorised(#[inline(always)] || {
                for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                    *y = A::value(a + b);
                }
            });
        });
        nhwc::tensor(y, dims)
    })
}

/// Gradient of both inputs of [`residual_add`], from that of its output `y`.
pub fn residual_gradient(
    y: &ChannelsLast,
    gradient: ChannelsLast,
    activation: Activation,
) -> FlexTensor {
    rewrite(
        gradient,
        y.values(),
        Passes::flat(),
        #[inline(always)]
        |g, y| match activation {
            // Match outside of the loop: a loop around the match would not be vectorised.
            Activation::Relu => scale_by_slope(g, y, Activation::Relu),
            Activation::Relu6 => scale_by_slope(g, y, Activation::Relu6),
            Activation::Sigmoid => scale_by_slope(g, y, Activation::Sigmoid),
            Activation::HardSigmoid => scale_by_slope(g, y, Activation::HardSigmoid),
            other => scale_by_slope(g, y, other),
        },
    )
}

#[inline(always)]
fn scale_by_slope(g: &mut [f32], y: &[f32], activation: Activation) {
    for (g, y) in g.iter_mut().zip(y) {
        *g *= slope_from_value(activation, *y);
    }
}

/// Multiplies every channel of every photo by its factor, in place if no other tensor shares the
/// memory of `x`.
pub fn scale_channels(mut x: ChannelsLast, factors: &ChannelsLast) -> FlexTensor {
    let dims = x.dims();
    let factors = factors.values();
    if x.is_unique() {
        for_each_photo_row(x.values_mut(), dims, |photo, x| {
            let factors = &factors[photo * dims.channels..][..dims.channels];
            for x in x.chunks_exact_mut(dims.channels) {
                for (x, f) in x.iter_mut().zip(factors) {
                    *x *= f;
                }
            }
        });
        return x.into_tensor();
    }
    let mut y = Buffer::new(dims.len());
    let (row, x) = (dims.width * dims.channels, x.values());
    y.par_chunks_mut(row).zip(x.par_chunks(row)).enumerate().for_each(|(index, (y, x))| {
        let factors = &factors[index / dims.height * dims.channels..][..dims.channels];
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_exact_mut(dims.channels).zip(x.chunks_exact(dims.channels)) {
                    for ((y, x), f) in y.iter_mut().zip(x).zip(factors) {
                        *y = x * f;
                    }
                }
            },
        );
    });
    nhwc::tensor(y, dims)
}

/// Gradient of the factors of [`scale_channels`]: the sum of gradient times `x`, per photo and
/// channel.
pub fn factors_gradient(x: &ChannelsLast, gradient: &ChannelsLast) -> FlexTensor {
    let dims = x.dims();
    let size = dims.height * dims.width * dims.channels;
    let mut sums = Buffer::zeros(dims.batch * dims.channels);
    let photos = x.values().par_chunks(size).zip(gradient.values().par_chunks(size));
    sums.par_chunks_mut(dims.channels).zip(photos).for_each(|(sums, (x, g))| {
        vectorised(
            #[inline(always)]
            || {
                for (x, g) in x.chunks_exact(dims.channels).zip(g.chunks_exact(dims.channels)) {
                    for ((sum, x), g) in sums.iter_mut().zip(x).zip(g) {
                        *sum += x * g;
                    }
                }
            },
        );
    });
    nhwc::tensor(sums, Dims { height: 1, width: 1, ..dims })
}

/// Calls `each(photo, row)` for every row of pixels, vectorised.
fn for_each_photo_row(values: &mut [f32], dims: Dims, each: impl Fn(usize, &mut [f32]) + Sync) {
    values.par_chunks_mut(dims.width * dims.channels).enumerate().for_each(|(row, values)| {
        vectorised(
            #[inline(always)]
            || each(row / dims.height, values),
        );
    });
}
