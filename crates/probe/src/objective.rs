//! The regularised log loss of a head and its gradient.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::lanes::{dot, padded};
use crate::product::{BLOCK, accumulate, multiply};
use crate::rows::{Row, Rows};
use crate::scale::Scale;

/// Rows per chunk at least, and chunks at most. A chunk is one thread's work. Where chunks begin
/// depends on the shape of the problem only, and their sums are added in order, so the number of
/// threads cannot change a bit.
const CHUNK: usize = 4 * BLOCK;
const CHUNKS: usize = 16;

/// Parameters of all chunks' gradients together, at most: 512 MiB.
const GRADIENTS: usize = 64 << 20;

/// `sum over rows of share * log loss + l2 / 2 * |weights|^2`, over standardised features.
///
/// Parameters are `[classes, padded]` weights, then `[padded classes]` biases, which are not
/// penalised. Classes are those that have rows.
pub(crate) struct Objective<'a> {
    scale: &'a Scale,
    classes: usize,
    padded: usize,
    l2: f64,
    /// Mean over the rows of the logarithm of the sum of all exponentiated logits, at the last
    /// point.
    pub log_sum: f64,
    chunks: Vec<Chunk<'a>>,
}

/// Some of the rows, and what is computed from them.
struct Chunk<'a> {
    rows: &'a [Row<'a>],
    standardised: Vec<f64>,
    logits: Vec<f64>,
    gradient: Vec<f64>,
    loss: f64,
    log_sum: f64,
}

impl<'a> Objective<'a> {
    pub fn new(rows: &'a Rows<'_>, scale: &'a Scale, l2: f64) -> Self {
        let (classes, padded) = (rows.present.len(), scale.padded());
        let rows = &rows.rows[..];
        let parameters = parameters(classes, padded);
        let chunks = (GRADIENTS / parameters).clamp(1, CHUNKS);
        let length = rows.len().div_ceil(chunks).max(CHUNK).next_multiple_of(BLOCK);
        let chunk = |rows| Chunk {
            rows,
            standardised: vec![0.0; BLOCK * padded],
            logits: vec![0.0; BLOCK * classes],
            gradient: vec![0.0; parameters],
            loss: 0.0,
            log_sum: 0.0,
        };
        let chunks = rows.chunks(length).map(chunk).collect();
        Objective { scale, classes, padded, l2, log_sum: 0.0, chunks }
    }

    /// Computes the objective at `x`, and writes its gradient.
    pub fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let (scale, classes, padded) = (self.scale, self.classes, self.padded);
        let (weights, bias) = x.split_at(classes * padded);
        self.chunks.par_iter_mut().for_each(|chunk| {
            Arch::new().dispatch(Compute { chunk, scale, weights, bias });
        });
        let (penalised, free) = gradient.split_at_mut(classes * padded);
        for (gradient, &weight) in penalised.iter_mut().zip(weights) {
            *gradient = self.l2 * weight;
        }
        free.fill(0.0);
        for chunk in &self.chunks {
            for (gradient, part) in gradient.iter_mut().zip(&chunk.gradient) {
                *gradient += part;
            }
        }
        self.log_sum = self.chunks.iter().map(|chunk| chunk.log_sum).sum();
        let loss: f64 = self.chunks.iter().map(|chunk| chunk.loss).sum();
        loss + self.l2 / 2.0 * dot(weights, weights)
    }
}

/// Computes the loss of a chunk and its gradient, a block of rows at a time.
struct Compute<'c, 'a> {
    chunk: &'c mut Chunk<'a>,
    scale: &'c Scale,
    weights: &'c [f64],
    bias: &'c [f64],
}

impl WithSimd for Compute<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Compute { chunk, scale, weights, bias } = self;
        let Chunk { rows, standardised, logits, gradient, loss, log_sum } = chunk;
        let padded = scale.padded();
        let classes = weights.len() / padded;
        (*loss, *log_sum) = (0.0, 0.0);
        gradient.fill(0.0);
        let (weight_gradient, bias_gradient) = gradient.split_at_mut(classes * padded);
        for block in rows.chunks(BLOCK) {
            let standardised = &mut standardised[..block.len() * padded];
            for (row, out) in block.iter().zip(standardised.chunks_exact_mut(padded)) {
                scale.apply(row.features, out);
            }
            let logits = &mut logits[..block.len() * classes];
            multiply(simd, standardised, weights, padded, logits);
            for (row, logits) in block.iter().zip(logits.chunks_exact_mut(classes)) {
                for (logit, bias) in logits.iter_mut().zip(bias) {
                    *logit += bias;
                }
                let true_logit = logits[row.class];
                let row_log_sum = softmax(logits);
                *loss += row.share * (row_log_sum - true_logit);
                *log_sum += row.share * row_log_sum;
                // From here on the residuals: what the loss of the row changes with each logit.
                logits[row.class] -= 1.0;
                for (residual, sum) in logits.iter_mut().zip(&mut *bias_gradient) {
                    *residual *= row.share;
                    *sum += *residual;
                }
            }
            accumulate(simd, standardised, logits, padded, weight_gradient);
        }
    }
}

/// Replaces logits by probabilities; returns the logarithm of the sum of their exponentials.
fn softmax(logits: &mut [f64]) -> f64 {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - max).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|value| *value /= sum);
    max + sum.ln()
}

fn parameters(classes: usize, width: usize) -> usize {
    classes * width + padded(classes)
}
