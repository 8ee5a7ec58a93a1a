//! Passes over channels-last values with one parameter per channel: chunks for the threads, and
//! inner loops that are long even if there are few channels.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::buffer::Buffer;
use super::nhwc::{self, ChannelsLast};
use super::simd::vectorised;

/// How a pass is divided. Depends on the shape alone, so that sums do not depend on the number of
/// threads.
#[derive(Clone, Copy)]
pub struct Passes {
    channels: usize,
    /// Values per inner loop: a number of whole pixels.
    pub span: usize,
    /// Values per chunk: a number of whole spans, about 128 KiB.
    pub chunk: usize,
}

impl Passes {
    pub fn new(channels: usize) -> Self {
        let span = channels * 256_usize.div_ceil(channels);
        Self { channels, span, chunk: span * ((1 << 15) / span).max(1) }
    }

    /// For functions that treat all channels alike.
    pub fn flat() -> Self {
        Self::new(1)
    }

    /// One value per channel, repeated for every pixel of a span.
    pub fn spread(&self, per_channel: impl ExactSizeIterator<Item = f32>) -> Vec<f32> {
        assert_eq!(per_channel.len(), self.channels);
        per_channel.collect::<Vec<_>>().repeat(self.span / self.channels)
    }

    /// Sums over all pixels: `add(sums, chunk)` adds chunk number `chunk` to `K` arrays of one span
    /// each.
    pub fn sum<const K: usize>(
        &self,
        len: usize,
        add: impl Fn([&mut [f32]; K], usize) + Sync,
    ) -> [Vec<f64>; K] {
        let chunks = len.div_ceil(self.chunk);
        let mut partial = Buffer::new(chunks * K * self.span);
        partial.par_chunks_mut(K * self.span).enumerate().for_each(|(chunk, sums)| {
            sums.fill(0.0);
            let mut rest = sums.chunks_exact_mut(self.span);
            add(std::array::from_fn(|_| rest.next().expect("K spans")), chunk);
        });
        self.add_spans(&partial)
    }

    /// Sum of every channel over all pixels.
    pub fn sum_of(&self, x: &[f32]) -> Vec<f64> {
        let [sum] = self.sum(x.len(), |[sums], chunk| {
            let x = &x[chunk * self.chunk..];
            let x = &x[..self.chunk.min(x.len())];
            vectorised(
                #[inline(always)]
                || {
                    for x in x.chunks(self.span) {
                        for (sum, x) in sums.iter_mut().zip(x) {
                            *sum += x;
                        }
                    }
                },
            );
        });
        sum
    }

    /// Adds up partial sums over all pixels: `K` arrays of one span each per chunk.
    pub fn add_spans<const K: usize>(&self, partial: &[f32]) -> [Vec<f64>; K] {
        std::array::from_fn(|k| {
            let mut sum = vec![0.0; self.channels];
            for chunk in partial.chunks_exact(K * self.span) {
                for pixel in chunk[k * self.span..][..self.span].chunks_exact(self.channels) {
                    for (sum, &x) in sum.iter_mut().zip(pixel) {
                        *sum += f64::from(x);
                    }
                }
            }
            sum
        })
    }
}

/// Sum of every channel over all pixels, as a vector: the gradient of a bias.
pub fn sums(x: &ChannelsLast) -> FlexTensor {
    let sums = Passes::new(x.dims().channels).sum_of(x.values());
    nhwc::vector(&sums.iter().map(|&x| x as f32).collect::<Vec<_>>())
}

/// Calls `each(y, x)` on spans, vectorised. `y` and `x` are divided alike.
pub fn for_each_span(
    y: &mut [f32],
    x: &[f32],
    passes: Passes,
    each: impl Fn(&mut [f32], &[f32]) + Sync,
) {
    y.par_chunks_mut(passes.chunk).zip(x.par_chunks(passes.chunk)).for_each(|(y, x)| {
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_mut(passes.span).zip(x.chunks(passes.span)) {
                    each(y, x);
                }
            },
        );
    });
}

/// As [`for_each_span`], with one operand.
pub fn for_each_in_place(x: &mut [f32], passes: Passes, each: impl Fn(&mut [f32]) + Sync) {
    x.par_chunks_mut(passes.chunk).for_each(|x| {
        vectorised(
            #[inline(always)]
            || {
                for x in x.chunks_mut(passes.span) {
                    each(x);
                }
            },
        );
    });
}

/// Rewrites a gradient with `each(g, x)`: in place if no other tensor shares its memory, otherwise
/// into new memory, one chunk at a time.
pub fn rewrite(
    mut gradient: ChannelsLast,
    x: &[f32],
    passes: Passes,
    each: impl Fn(&mut [f32], &[f32]) + Sync,
) -> FlexTensor {
    if gradient.is_unique() {
        for_each_span(gradient.values_mut(), x, passes, each);
        return gradient.into_tensor();
    }
    let mut new = Buffer::new(x.len());
    let chunks = gradient.values().par_chunks(passes.chunk).zip(x.par_chunks(passes.chunk));
    new.par_chunks_mut(passes.chunk).zip(chunks).for_each(|(new, (g, x))| {
        new.copy_from_slice(g);
        vectorised(
            #[inline(always)]
            || {
                for (new, x) in new.chunks_mut(passes.span).zip(x.chunks(passes.span)) {
                    each(new, x);
                }
            },
        );
    });
    nhwc::tensor(new, gradient.dims())
}
