//! Batch normalisation fused with its activation.
//!
//! Normalising is `z = a x + b` per channel, so one pass writes the activated output. The backward
//! pass recomputes `z` from `x` instead of storing it, and reads everything twice: once for the
//! sums, once for the gradient.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, Flex};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::buffer::Buffer;
use super::channels::{Passes, rewrite};
use super::nhwc::{self, ChannelsLast};
use super::pointwise::{Pointwise, with_activation};
use super::simd::vectorised;
use crate::types::Activation;

/// Scale, shift, mean and variance of a normalisation, each `[channels]`, and the number added to
/// the variance.
#[derive(Debug, ExtensionType)]
pub struct NormConstants<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub mean: FloatTensor<B>,
    pub variance: FloatTensor<B>,
    pub eps: f64,
}

/// Parameters of a normalisation, one value per channel each.
#[derive(Clone, Debug)]
pub struct Normalisation {
    mean: Vec<f64>,
    /// `1 / sqrt(variance + eps)`.
    inverse_deviation: Vec<f64>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalisation {
    fn new(
        mean: Vec<f64>,
        variance: &[f64],
        weight: &FlexTensor,
        bias: &FlexTensor,
        eps: f64,
    ) -> Self {
        let inverse_deviation: Vec<f64> = variance.iter().map(|v| 1.0 / (v + eps).sqrt()).collect();
        let (weight, bias) = (nhwc::values(weight), nhwc::values(bias));
        let scale: Vec<f64> =
            inverse_deviation.iter().zip(&*weight).map(|(d, &w)| d * f64::from(w)).collect();
        let shift =
            (0..mean.len()).map(|c| (f64::from(bias[c]) - mean[c] * scale[c]) as f32).collect();
        Self { mean, inverse_deviation, scale: scale.iter().map(|&a| a as f32).collect(), shift }
    }

    /// Uses the statistics of the batch; also returns its mean and biased variance.
    pub fn of_batch(
        x: &ChannelsLast,
        weight: &FlexTensor,
        bias: &FlexTensor,
        eps: f64,
    ) -> (Self, FlexTensor, FlexTensor) {
        let (mean, variance) = statistics(x.values(), x.dims().channels);
        let as_tensor = |v: &[f64]| nhwc::vector(&v.iter().map(|&v| v as f32).collect::<Vec<_>>());
        let (mean_f32, variance_f32) = (as_tensor(&mean), as_tensor(&variance));
        (Self::new(mean, &variance, weight, bias, eps), mean_f32, variance_f32)
    }

    /// Uses given statistics.
    pub fn given(norm: &NormConstants<Flex>) -> Self {
        let as_f64 =
            |t: &FlexTensor| nhwc::values(t).iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        Self::new(as_f64(&norm.mean), &as_f64(&norm.variance), &norm.weight, &norm.bias, norm.eps)
    }

    /// `a` of `a x + b`, per channel.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// `b` of `a x + b`, per channel.
    pub fn shift(&self) -> &[f32] {
        &self.shift
    }

    /// Computes `activation(a x + b)` in place for whole pixels, on the calling thread.
    pub fn finish(&self, activation: Activation) -> impl Fn(&mut [f32]) + Sync {
        let passes = Passes::new(self.scale.len());
        let a = passes.spread(self.scale.iter().copied());
        let b = passes.spread(self.shift.iter().copied());
        move |x| {
            with_activation!(activation, A => vectorised(#[inline(always)] || {
                for x in x.chunks_mut(passes.span) {
                    for ((x, a), b) in x.iter_mut().zip(&a).zip(&b) {
                        *x = A::value(*x * a + b);
                    }
                }
            }))
        }
    }

    /// Computes `activation(a x + b)`, in place if no other tensor shares the memory of `x`.
    pub fn apply(&self, mut x: ChannelsLast, activation: Activation) -> FlexTensor {
        let dims = x.dims();
        let passes = Passes::new(dims.channels);
        if x.is_unique() {
            x.values_mut().par_chunks_mut(passes.chunk).for_each(self.finish(activation));
            return x.into_tensor();
        }
        let mut y = Buffer::new(dims.len());
        let write = self.write(activation);
        let chunks = y.par_chunks_mut(passes.chunk).zip(x.values().par_chunks(passes.chunk));
        chunks.for_each(|(y, x)| write(y, x));
        nhwc::tensor(y, dims)
    }

    /// Computes `y = activation(a x + b)` for whole pixels, on the calling thread.
    pub fn write(&self, activation: Activation) -> impl Fn(&mut [f32], &[f32]) + Sync {
        let passes = Passes::new(self.scale.len());
        let a = passes.spread(self.scale.iter().copied());
        let b = passes.spread(self.shift.iter().copied());
        move |y, x| {
            with_activation!(activation, A => vectorised(#[inline(always)] || {
                for (y, x) in y.chunks_mut(passes.span).zip(x.chunks(passes.span)) {
                    for (((y, x), a), b) in y.iter_mut().zip(x).zip(&a).zip(&b) {
                        *y = A::value(x * a + b);
                    }
                }
            }))
        }
    }

    /// Sums over each channel of `d` and of `d` times the normalised `x`, where `d` is the gradient
    /// before the activation. They are the gradients of bias and weight.
    pub fn sums(&self, x: &ChannelsLast, gradient: &ChannelsLast, activation: Activation) -> Sums {
        let passes = Passes::new(x.dims().channels);
        let a = passes.spread(self.scale.iter().copied());
        let b = passes.spread(self.shift.iter().copied());
        let mean = passes.spread(self.mean.iter().map(|&m| m as f32));
        let (x, gradient) = (x.values(), gradient.values());
        let [bias, product] = with_activation!(activation, A => passes.sum(x.len(), |[bias, product], chunk| {
            let from = chunk * passes.chunk;
            let to = (from + passes.chunk).min(x.len());
            vectorised(#[inline(always)] || {
                for (x, g) in x[from..to].chunks(passes.span).zip(gradient[from..to].chunks(passes.span)) {
                    let parameters = a.iter().zip(&b).zip(&mean);
                    let sums = bias.iter_mut().zip(&mut *product);
                    for (((x, g), ((a, b), mean)), (bias, product)) in x.iter().zip(g).zip(parameters).zip(sums) {
                        let d = g * A::slope(x * a + b);
                        *bias += d;
                        *product += d * (x - mean);
                    }
                }
            });
        }));
        let weight = product.iter().zip(&self.inverse_deviation).map(|(p, d)| p * d).collect();
        Sums { bias, weight }
    }

    /// Gradient of `x` when the statistics are constants, written over the gradient of the output.
    pub fn input_gradient(
        &self,
        x: &ChannelsLast,
        gradient: ChannelsLast,
        activation: Activation,
    ) -> FlexTensor {
        let passes = Passes::new(x.dims().channels);
        let a = passes.spread(self.scale.iter().copied());
        let b = passes.spread(self.shift.iter().copied());
        with_activation!(activation, A => {
            rewrite(gradient, x.values(), passes, #[inline(always)] |g, x| {
                for (((g, x), a), b) in g.iter_mut().zip(x).zip(&a).zip(&b) {
                    *g = *g * A::slope(x * a + b) * a;
                }
            })
        })
    }

    /// Gradient of `x` when the statistics are those of `x` itself (Ioffe and Szegedy 2015, section
    /// 3), written over the gradient of the output:
    /// `a (d - mean(d) - normalised mean(d normalised))`, computed as `a d + e x + f`.
    pub fn input_gradient_of_batch(
        &self,
        x: &ChannelsLast,
        gradient: ChannelsLast,
        sums: &Sums,
        activation: Activation,
    ) -> FlexTensor {
        let passes = Passes::new(x.dims().channels);
        let pixels = x.dims().pixels() as f64;
        let channels = 0..x.dims().channels;
        let slope = |c: usize| {
            -f64::from(self.scale[c]) * self.inverse_deviation[c] * sums.weight[c] / pixels
        };
        let constant =
            |c: usize| -f64::from(self.scale[c]) * sums.bias[c] / pixels - slope(c) * self.mean[c];
        let a = passes.spread(self.scale.iter().copied());
        let b = passes.spread(self.shift.iter().copied());
        let e = passes.spread(channels.clone().map(|c| slope(c) as f32));
        let f = passes.spread(channels.map(|c| constant(c) as f32));
        with_activation!(activation, A => {
            rewrite(gradient, x.values(), passes, #[inline(always)] |g, x| {
                let parameters = a.iter().zip(&b).zip(e.iter().zip(&f));
                for ((g, x), ((a, b), (e, f))) in g.iter_mut().zip(x).zip(parameters) {
                    *g = *g * A::slope(x * a + b) * a + (x * e + f);
                }
            })
        })
    }
}

/// Gradients of bias and weight.
pub struct Sums {
    pub bias: Vec<f64>,
    pub weight: Vec<f64>,
}

/// Mean and biased variance of every channel. Each chunk is summed in f32 around its own mean while
/// it is in cache. The results are combined in f64 (Chan, Golub and LeVeque 1979), so that a mean
/// far from zero loses no precision.
fn statistics(x: &[f32], channels: usize) -> (Vec<f64>, Vec<f64>) {
    let passes = Passes::new(channels);
    let chunks = x.len().div_ceil(passes.chunk);
    let mut per_chunk = Buffer::new(chunks * 2 * channels);
    per_chunk.par_chunks_mut(2 * channels).zip(x.par_chunks(passes.chunk)).for_each(|(out, x)| {
        let count = (x.len() / channels) as f32;
        let (mean, squares) = out.split_at_mut(channels);
        let mut sums = vec![0.0_f32; passes.span];
        vectorised(
            #[inline(always)]
            || {
                for x in x.chunks(passes.span) {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum += x;
                    }
                }
            },
        );
        fold(&sums, mean);
        for mean in mean.iter_mut() {
            *mean /= count;
        }
        let means = passes.spread(mean.iter().copied());
        sums.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for x in x.chunks(passes.span) {
                    for ((sum, x), mean) in sums.iter_mut().zip(x).zip(&means) {
                        *sum += (x - mean) * (x - mean);
                    }
                }
            },
        );
        fold(&sums, squares);
    });
    let (mut mean, mut squares) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
    let mut count = 0.0;
    for (chunk, out) in per_chunk.chunks_exact(2 * channels).enumerate() {
        let here = (passes.chunk.min(x.len() - chunk * passes.chunk) / channels) as f64;
        let total = count + here;
        for c in 0..channels {
            let difference = f64::from(out[c]) - mean[c];
            mean[c] += difference * here / total;
            squares[c] +=
                f64::from(out[channels + c]) + difference * difference * count * here / total;
        }
        count = total;
    }
    for squares in squares.iter_mut() {
        *squares /= count;
    }
    (mean, squares)
}

/// Adds up the pixels of a span.
fn fold(span: &[f32], sum: &mut [f32]) {
    sum.fill(0.0);
    for pixel in span.chunks_exact(sum.len()) {
        for (sum, x) in sum.iter_mut().zip(pixel) {
            *sum += x;
        }
    }
}
