//! Layer normalisation: every token by itself.
//!
//! Statistics of a token are two passes over it in the L1 cache. The backward pass keeps mean and
//! deviation of every token, not the normalised values.

use std::ops::Range;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::flex::buffer::Buffer;
use crate::flex::lanes;
use crate::flex::nhwc::{self, ChannelsLast, Dims};
use crate::flex::recompute::Recompute;
use crate::flex::simd::vectorised;

/// Tokens per chunk of a pass: about 128 KiB of values.
fn rows_per_chunk(channels: usize) -> usize {
    ((1 << 15) / channels.max(1)).max(1)
}

/// Computes the normalised tokens, in place if no other tensor shares the memory of `x`.
pub fn forward(
    mut x: ChannelsLast,
    weight: &FlexTensor,
    bias: &FlexTensor,
    eps: f64,
) -> ChannelsLast {
    let dims = x.dims();
    let (weight, bias) = (nhwc::values(weight), nhwc::values(bias));
    let chunk = rows_per_chunk(dims.channels) * dims.channels;
    if x.is_unique() {
        x.values_mut().par_chunks_mut(chunk).for_each(|x| {
            vectorised(
                #[inline(always)]
                || {
                    for x in x.chunks_exact_mut(dims.channels) {
                        let (mean, inverse) = statistics(x, eps);
                        for ((x, w), b) in x.iter_mut().zip(&*weight).zip(&*bias) {
                            *x = (*x - mean) * inverse * w + b;
                        }
                    }
                },
            );
        });
        return x;
    }
    let mut y = Buffer::new(dims.len());
    y.par_chunks_mut(chunk).zip(x.values().par_chunks(chunk)).for_each(|(y, x)| {
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_exact_mut(dims.channels).zip(x.chunks_exact(dims.channels)) {
                    let (mean, inverse) = statistics(x, eps);
                    write(y, x, (mean, inverse), &weight, &bias);
                }
            },
        );
    });
    ChannelsLast::of_values(y, dims)
}

/// Mean and `1 / sqrt(variance + eps)` of a token.
#[inline(always)]
fn statistics(x: &[f32], eps: f64) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = lanes::sum(
        x,
        #[inline(always)]
        |x| x,
    ) / count;
    let squares = lanes::sum(
        x,
        #[inline(always)]
        |x| (x - mean) * (x - mean),
    );
    (mean, (1.0 / (f64::from(squares / count) + eps).sqrt()) as f32)
}

#[inline(always)]
fn write(y: &mut [f32], x: &[f32], (mean, inverse): (f32, f32), weight: &[f32], bias: &[f32]) {
    for (((y, x), w), b) in y.iter_mut().zip(x).zip(weight).zip(bias) {
        *y = (x - mean) * inverse * w + b;
    }
}

/// What the backward pass keeps.
#[derive(Debug)]
pub struct LayerNormed {
    x: ChannelsLast,
    /// Mean and inverse deviation of every token, `[tokens, 2]`.
    statistics: Buffer,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl LayerNormed {
    pub fn new(x: ChannelsLast, weight: &FlexTensor, bias: &FlexTensor, eps: f64) -> Self {
        let channels = x.dims().channels;
        let rows = rows_per_chunk(channels);
        let mut all = Buffer::new(2 * x.dims().pixels());
        all.par_chunks_mut(2 * rows).zip(x.values().par_chunks(rows * channels)).for_each(
            |(all, x)| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (own, x) in all.chunks_exact_mut(2).zip(x.chunks_exact(channels)) {
                            (own[0], own[1]) = statistics(x, eps);
                        }
                    },
                );
            },
        );
        let (weight, bias) = (nhwc::values(weight).to_vec(), nhwc::values(bias).to_vec());
        Self { x, statistics: all, weight, bias }
    }

    /// The normalised tokens.
    pub fn output(&self) -> ChannelsLast {
        let dims = self.x.dims();
        let chunk = rows_per_chunk(dims.channels) * dims.channels;
        let mut y = Buffer::new(dims.len());
        y.par_chunks_mut(chunk).enumerate().for_each(|(index, y)| self.write(index * chunk, y));
        ChannelsLast::of_values(y, dims)
    }

    /// Writes the values from `first` on, whole tokens, on the calling thread.
    fn write(&self, first: usize, y: &mut [f32]) {
        let channels = self.x.dims().channels;
        let x = &self.x.values()[first..][..y.len()];
        let statistics = &self.statistics[first / channels * 2..];
        vectorised(
            #[inline(always)]
            || {
                let rows = y.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
                for ((y, x), own) in rows.zip(statistics.chunks_exact(2)) {
                    write(y, x, (own[0], own[1]), &self.weight, &self.bias);
                }
            },
        );
    }

    /// Gradients of `x` (with `first` added, written over the gradient of the output), of the
    /// weight and of the bias. With the normalised `n` and `d = gradient weight`, that of `x` is
    /// `(d - mean(d) - n mean(d n)) / deviation`.
    pub fn gradients(
        &self,
        mut gradient: ChannelsLast,
        first: Option<&ChannelsLast>,
    ) -> (ChannelsLast, [Vec<f64>; 2]) {
        let dims = self.x.dims();
        let channels = dims.channels;
        let rows = rows_per_chunk(channels);
        let chunk = rows * channels;
        let x = self.x.values();
        let mut partial = Buffer::zeros(dims.pixels().div_ceil(rows) * 2 * channels);
        let chunks = gradient.values_mut().par_chunks_mut(chunk).zip(x.par_chunks(chunk));
        partial.par_chunks_mut(2 * channels).zip(chunks).enumerate().for_each(
            |(index, (sums, (g, x)))| {
                let statistics = &self.statistics[index * rows * 2..];
                let first = first.map(|first| &first.values()[index * chunk..][..g.len()]);
                vectorised(
                    #[inline(always)]
                    || {
                        let (of_weight, of_bias) = sums.split_at_mut(channels);
                        let each = g.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
                        for (row, ((g, x), own)) in each.zip(statistics.chunks_exact(2)).enumerate()
                        {
                            let own = (own[0], own[1]);
                            self.row(g, x, own, of_weight, of_bias);
                            if let Some(first) = first {
                                for (g, first) in g.iter_mut().zip(&first[row * channels..]) {
                                    *g += first;
                                }
                            }
                        }
                    },
                );
            },
        );
        let mut sums = [vec![0.0; channels], vec![0.0; channels]];
        for partial in partial.chunks_exact(2 * channels) {
            for (sums, partial) in sums.iter_mut().zip(partial.chunks_exact(channels)) {
                for (sum, x) in sums.iter_mut().zip(partial) {
                    *sum += f64::from(*x);
                }
            }
        }
        (gradient, sums)
    }

    #[inline(always)]
    fn row(
        &self,
        g: &mut [f32],
        x: &[f32],
        (mean, inverse): (f32, f32),
        of_weight: &mut [f32],
        of_bias: &mut [f32],
    ) {
        let sums = of_weight.iter_mut().zip(of_bias);
        for ((g, x), (of_weight, of_bias)) in g.iter().zip(x).zip(sums) {
            *of_weight += g * ((x - mean) * inverse);
            *of_bias += g;
        }
        for (g, w) in g.iter_mut().zip(&self.weight) {
            *g *= w;
        }
        let count = g.len() as f32;
        let plain = lanes::sum(
            g,
            #[inline(always)]
            |g| g,
        ) / count;
        let product = lanes::sum_of_two(
            g,
            x,
            #[inline(always)]
            |g, x| g * (x - mean),
        ) * inverse
            / count;
        let slope = product * inverse;
        for (g, x) in g.iter_mut().zip(x) {
            *g = (*g - plain - (x - mean) * slope) * inverse;
        }
    }
}

impl Recompute for LayerNormed {
    fn dims(&self) -> Dims {
        self.x.dims()
    }

    fn values(&self, range: Range<usize>) -> Buffer {
        let mut y = Buffer::new(range.len());
        self.write(range.start, &mut y);
        y
    }
}
