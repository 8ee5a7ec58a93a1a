//! ConvNeXt V2's global response normalisation (Woo et al. 2023, algorithm 1).
//!
//! With the norm `g` of every channel over the tokens of a photo and `n = g / (mean(g) + eps)`, the
//! result is `x (1 + weight n) + bias`: one pass over the photo for the norms, one for the result.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::flex::buffer::Buffer;
use crate::flex::nhwc::{self, ChannelsLast, Dims};
use crate::flex::simd::vectorised;

const EPS: f64 = 1e-6;

/// Tokens that are summed in f32 before the sum goes on in f64.
const ROWS: usize = 64;

/// The normalisation of a batch.
#[derive(Clone, Debug)]
pub struct ResponseNorm {
    dims: Dims,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Norm of every channel of every photo, `[batch, channels]`.
    norms: Vec<f64>,
}

/// Gradients of a [`ResponseNorm`].
pub struct Gradients {
    pub x: ChannelsLast,
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

impl ResponseNorm {
    pub fn new(x: &ChannelsLast, weight: &FlexTensor, bias: &FlexTensor) -> Self {
        let dims = x.dims();
        let per_photo = dims.len() / dims.batch.max(1);
        let mut norms = vec![0.0; dims.batch * dims.channels];
        norms.par_chunks_mut(dims.channels).zip(x.values().par_chunks(per_photo)).for_each(
            |(norms, x)| {
                add_products(x, x, norms);
                norms.iter_mut().for_each(|norm| *norm = norm.sqrt());
            },
        );
        let (weight, bias) = (nhwc::values(weight).to_vec(), nhwc::values(bias).to_vec());
        Self { dims, weight, bias, norms }
    }

    fn per_photo(&self) -> usize {
        self.dims.len() / self.dims.batch.max(1)
    }

    /// Norms of a photo's channels, and their mean with epsilon.
    fn of_photo(&self, photo: usize) -> (&[f64], f64) {
        let norms = &self.norms[photo * self.dims.channels..][..self.dims.channels];
        (norms, norms.iter().sum::<f64>() / norms.len() as f64 + EPS)
    }

    /// Factors of a photo's channels: `1 + weight n`.
    fn factors(&self, photo: usize) -> Vec<f32> {
        let (norms, mean) = self.of_photo(photo);
        let each = norms.iter().zip(&self.weight);
        each.map(|(norm, &w)| (1.0 + f64::from(w) * norm / mean) as f32).collect()
    }

    /// Computes the result, in place if no other tensor shares the memory of `x`.
    pub fn apply(&self, mut x: ChannelsLast) -> ChannelsLast {
        let channels = self.dims.channels;
        if x.is_unique() {
            x.values_mut().par_chunks_mut(self.per_photo()).enumerate().for_each(|(photo, x)| {
                let factors = self.factors(photo);
                vectorised(
                    #[inline(always)]
                    || {
                        for x in x.chunks_exact_mut(channels) {
                            for ((x, f), b) in x.iter_mut().zip(&factors).zip(&self.bias) {
                                *x = *x * f + b;
                            }
                        }
                    },
                );
            });
            return x;
        }
        let mut y = Buffer::new(self.dims.len());
        let photos =
            y.par_chunks_mut(self.per_photo()).zip(x.values().par_chunks(self.per_photo()));
        photos.enumerate().for_each(|(photo, (y, x))| {
            let factors = self.factors(photo);
            vectorised(
                #[inline(always)]
                || {
                    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        for (((y, x), f), b) in y.iter_mut().zip(x).zip(&factors).zip(&self.bias) {
                            *y = x * f + b;
                        }
                    }
                },
            );
        });
        ChannelsLast::of_values(y, self.dims)
    }

    /// Writes the gradient of `x` over that of the output. A channel of zeros has norm 0 and takes
    /// no gradient through it, as in PyTorch.
    pub fn gradients(&self, x: &ChannelsLast, mut gradient: ChannelsLast) -> Gradients {
        let channels = self.dims.channels;
        // Sums of gradient times x, and of the gradient, of every photo.
        let mut sums = vec![0.0; self.dims.batch * 2 * channels];
        let photos = gradient.values_mut().par_chunks_mut(self.per_photo());
        let photos = photos.zip(x.values().par_chunks(self.per_photo()));
        sums.par_chunks_mut(2 * channels).zip(photos).enumerate().for_each(
            |(photo, (sums, (g, x)))| {
                let (products, plain) = sums.split_at_mut(channels);
                add_products(g, x, products);
                add(g, plain);
                let (norms, mean) = self.of_photo(photo);
                let of_n: Vec<f64> =
                    products.iter().zip(&self.weight).map(|(p, &w)| p * f64::from(w)).collect();
                let through_mean = of_n.iter().zip(norms).map(|(d, norm)| d * norm).sum::<f64>()
                    / (mean * mean * channels as f64);
                let slopes: Vec<f32> = of_n
                    .iter()
                    .zip(norms)
                    .map(|(d, &norm)| match norm > 0.0 {
                        true => ((d / mean - through_mean) / norm) as f32,
                        false => 0.0,
                    })
                    .collect();
                let factors = self.factors(photo);
                vectorised(
                    #[inline(always)]
                    || {
                        for (g, x) in g.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                            let each = factors.iter().zip(&slopes);
                            for ((g, x), (f, s)) in g.iter_mut().zip(x).zip(each) {
                                *g = *g * f + x * s;
                            }
                        }
                    },
                );
            },
        );
        let (mut weight, mut bias) = (vec![0.0; channels], vec![0.0; channels]);
        for (photo, sums) in sums.chunks_exact(2 * channels).enumerate() {
            let (norms, mean) = self.of_photo(photo);
            for c in 0..channels {
                weight[c] += sums[c] * norms[c] / mean;
                bias[c] += sums[channels + c];
            }
        }
        Gradients { x: gradient, weight, bias }
    }
}

/// Adds the products of two photos' values to one sum per channel.
fn add_products(a: &[f32], b: &[f32], sums: &mut [f64]) {
    let channels = sums.len();
    let mut partial = vec![0.0_f32; channels];
    for (a, b) in a.chunks(ROWS * channels).zip(b.chunks(ROWS * channels)) {
        partial.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
                    for ((sum, a), b) in partial.iter_mut().zip(a).zip(b) {
                        *sum += a * b;
                    }
                }
            },
        );
        for (sum, x) in sums.iter_mut().zip(&partial) {
            *sum += f64::from(*x);
        }
    }
}

/// Adds a photo's values to one sum per channel.
fn add(x: &[f32], sums: &mut [f64]) {
    let channels = sums.len();
    let mut partial = vec![0.0_f32; channels];
    for x in x.chunks(ROWS * channels) {
        partial.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for x in x.chunks_exact(channels) {
                    for (sum, x) in partial.iter_mut().zip(x) {
                        *sum += x;
                    }
                }
            },
        );
        for (sum, x) in sums.iter_mut().zip(&partial) {
            *sum += f64::from(*x);
        }
    }
}
