//! A fully connected layer on tokens. Bias, activation, LayerScale and shortcut are applied to
//! pieces of the product while they are in cache.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::flex::buffer::Buffer;
use crate::flex::channels::Passes;
use crate::flex::gemm::{
    Matrix, Panels, product_of_long_rows, product_of_rows, product_of_rows_and_copy,
};
use crate::flex::meter::count_multiply_adds;
use crate::flex::nhwc::{self, ChannelsLast, Dims};
use crate::flex::pointwise::{Pointwise, with_activation};
use crate::flex::recompute::Recompute;
use crate::flex::saved_input::SavedInput;
use crate::flex::simd::vectorised;
use crate::flex::weights::PackedWeights;
use crate::types::Activation;

/// Packed weights for `x W^T`.
static PACKED: PackedWeights<Panels> = PackedWeights::new();

/// Packs a weight, `[outputs, features]`.
fn pack(weight: &FlexTensor) -> Panels {
    let shape = weight.layout().shape();
    Panels::new(Matrix::new(&nhwc::values(weight), shape[0], shape[1]).transposed())
}

/// The packed weight, kept for the next call.
pub fn inference_panels(weight: &FlexTensor) -> Arc<Panels> {
    PACKED.get(weight, |_| true, || pack(weight))
}

/// The packed weight in a training step. One that is trained changes with every step.
pub fn training_panels(weight: &FlexTensor, is_trained: bool) -> Arc<Panels> {
    if !is_trained {
        return inference_panels(weight);
    }
    PACKED.forget(weight);
    Arc::new(pack(weight))
}

/// A product's operands and result: `[tokens, features]` times packed `[features, outputs]`.
struct Shape {
    rows: usize,
    outputs: usize,
    output: Dims,
}

fn shape(x: &ChannelsLast, bias: &[f32]) -> Shape {
    let (rows, outputs) = (x.dims().pixels(), bias.len());
    count_multiply_adds(rows * x.dims().channels * outputs);
    Shape { rows, outputs, output: Dims { channels: outputs, ..x.dims() } }
}

fn matrix(x: &ChannelsLast) -> Matrix<'_> {
    Matrix::new(x.values(), x.dims().pixels(), x.dims().channels)
}

/// Computes `activation(x W^T + bias)`.
pub fn activated(
    x: &ChannelsLast,
    weight: &Panels,
    bias: &FlexTensor,
    activation: Activation,
) -> ChannelsLast {
    let bias = nhwc::values(bias);
    let Shape { rows, outputs, output } = shape(x, &bias);
    let mut y = Buffer::new(rows * outputs);
    let passes = Passes::new(outputs);
    let bias = passes.spread(bias.iter().copied());
    with_activation!(activation, A => {
        product_of_rows(&mut y, matrix(x), weight.packed(), |_, y| vectorised(#[inline(always)] || {
            for y in y.chunks_mut(passes.span) {
                for (y, b) in y.iter_mut().zip(&bias) {
                    *y = A::value(*y + b);
                }
            }
        }));
    });
    ChannelsLast::of_values(y, output)
}

/// Computes `z = x W^T + bias` and `activation(z)`.
pub fn activated_and_before(
    x: &ChannelsLast,
    weight: &Panels,
    bias: &FlexTensor,
    activation: Activation,
) -> (ChannelsLast, ChannelsLast) {
    let bias = nhwc::values(bias);
    let Shape { rows, outputs, output } = shape(x, &bias);
    let (mut z, mut y) = (Buffer::new(rows * outputs), Buffer::new(rows * outputs));
    let passes = Passes::new(outputs);
    let bias = passes.spread(bias.iter().copied());
    with_activation!(activation, A => {
        let end = |z: &mut [f32], y: &mut [f32]| vectorised(#[inline(always)] || {
            for (z, y) in z.chunks_mut(passes.span).zip(y.chunks_mut(passes.span)) {
                for ((z, y), b) in z.iter_mut().zip(y).zip(&bias) {
                    *z += b;
                    *y = A::value(*z);
                }
            }
        });
        product_of_rows_and_copy(&mut z, &mut y, matrix(x), weight.packed(), end);
    });
    (ChannelsLast::of_values(z, output), ChannelsLast::of_values(y, output))
}

/// Computes `shortcut + scale (x W^T + bias)`.
pub fn residual(
    x: &ChannelsLast,
    weight: &Panels,
    bias: &FlexTensor,
    scale: Option<&FlexTensor>,
    shortcut: &ChannelsLast,
) -> ChannelsLast {
    let bias = nhwc::values(bias);
    let Shape { rows, outputs, output } = shape(x, &bias);
    assert_eq!(shortcut.dims(), output, "a shortcut of the layer's output");
    let shortcut = shortcut.values();
    let mut y = Buffer::new(rows * outputs);
    let passes = Passes::new(outputs);
    let bias = passes.spread(bias.iter().copied());
    let scale = scale.map(|scale| passes.spread(nhwc::values(scale).to_vec().into_iter()));
    product_of_rows(&mut y, matrix(x), weight.packed(), |row, y| {
        let shortcut = &shortcut[row * outputs..][..y.len()];
        let pieces = y.chunks_mut(passes.span).zip(shortcut.chunks(passes.span));
        match &scale {
            Some(scale) => vectorised(
                #[inline(always)]
                || {
                    for (y, s) in pieces {
                        for (((y, s), b), scale) in y.iter_mut().zip(s).zip(&bias).zip(scale) {
                            *y = s + scale * (*y + b);
                        }
                    }
                },
            ),
            None => vectorised(
                #[inline(always)]
                || {
                    for (y, s) in pieces {
                        for ((y, s), b) in y.iter_mut().zip(s).zip(&bias) {
                            *y = s + (*y + b);
                        }
                    }
                },
            ),
        }
    });
    ChannelsLast::of_values(y, output)
}

/// Gradient of the input: `gradient W`. `weight`: `[outputs, features]`.
pub fn input_gradient(gradient: &ChannelsLast, weight: &[f32]) -> ChannelsLast {
    let (rows, outputs) = (gradient.dims().pixels(), gradient.dims().channels);
    let features = weight.len() / outputs;
    count_multiply_adds(rows * outputs * features);
    let mut gx = Buffer::new(rows * features);
    let weight = Panels::new(Matrix::new(weight, outputs, features));
    product_of_rows(&mut gx, matrix(gradient), weight.packed(), |_, _| {});
    ChannelsLast::of_values(gx, Dims { channels: features, ..gradient.dims() })
}

/// Gradient of the weight, `[outputs, features]`: `gradient^T x`.
pub fn weight_gradient(gradient: &ChannelsLast, x: &SavedInput) -> Buffer {
    let features = x.dims().channels;
    count_multiply_adds(gradient.dims().len() * features);
    product_of_long_rows(matrix(gradient), features, |rows| {
        x.values(rows.start * features..rows.end * features)
    })
}

/// Gradient of the bias: the sum over all tokens.
pub fn bias_gradient(gradient: &ChannelsLast) -> Vec<f64> {
    Passes::new(gradient.dims().channels).sum_of(gradient.values())
}

/// Gradient before the activation, written over that of the output, and its sum over all tokens:
/// the gradient of the bias. `z` is the value before the activation.
pub fn activation_gradient(
    mut gradient: ChannelsLast,
    z: &ChannelsLast,
    activation: Activation,
) -> (ChannelsLast, Vec<f64>) {
    let passes = Passes::new(z.dims().channels);
    let z = z.values();
    let mut partial = Buffer::zeros(z.len().div_ceil(passes.chunk) * passes.span);
    let chunks = gradient.values_mut().par_chunks_mut(passes.chunk).zip(z.par_chunks(passes.chunk));
    with_activation!(activation, A => {
        partial.par_chunks_mut(passes.span).zip(chunks).for_each(|(sums, (g, z))| {
            vectorised(#[inline(always)] || {
                for (g, z) in g.chunks_mut(passes.span).zip(z.chunks(passes.span)) {
                    for ((g, z), sum) in g.iter_mut().zip(z).zip(&mut *sums) {
                        *g *= A::slope(*z);
                        *sum += *g;
                    }
                }
            });
        });
    });
    let [sum] = passes.add_spans(&partial);
    (gradient, sum)
}

/// An activated output, which follows from the values before the activation.
#[derive(Debug)]
pub struct Activated {
    pub z: ChannelsLast,
    pub activation: Activation,
}

impl Recompute for Activated {
    fn dims(&self) -> Dims {
        self.z.dims()
    }

    fn values(&self, range: Range<usize>) -> Buffer {
        let mut y = Buffer::new(range.len());
        let z = &self.z.values()[range];
        with_activation!(self.activation, A => vectorised(#[inline(always)] || {
            for (y, z) in y.iter_mut().zip(z) {
                *y = A::value(*z);
            }
        }));
        y
    }
}

/// Gradient of the scale, from those of the scaled weight and bias.
pub fn scale_gradient(
    of_weight: &[f32],
    weight: &[f32],
    of_bias: &[f64],
    bias: &[f32],
) -> Vec<f64> {
    let features = weight.len() / bias.len();
    let rows = of_weight.chunks_exact(features).zip(weight.chunks_exact(features));
    let dot = |(g, w): (&[f32], &[f32])| -> f64 {
        g.iter().zip(w).map(|(&g, &w)| f64::from(g) * f64::from(w)).sum()
    };
    let biases = of_bias.iter().zip(bias);
    rows.map(dot).zip(biases).map(|(sum, (g, &b))| sum + g * f64::from(b)).collect()
}

/// Multiplies every row of a weight, `[outputs, features]`, by its factor.
pub fn scale_outputs(weight: &mut [f32], factors: &[f32]) {
    let features = weight.len() / factors.len();
    for (row, factor) in weight.chunks_exact_mut(features).zip(factors) {
        row.iter_mut().for_each(|w| *w *= factor);
    }
}

/// The weight's values with every row multiplied by its factor.
pub fn scaled<'a>(weight: &'a FlexTensor, factors: Option<&[f32]>) -> Cow<'a, [f32]> {
    let mut values = nhwc::values(weight);
    if let Some(factors) = factors {
        scale_outputs(values.to_mut(), factors);
    }
    values
}
