//! A linear head on raw features.

use crate::lanes::{dot, padded};
use crate::{ProbeError, Result};

/// Weights and bias of a linear layer, as a network stores them.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Number of features.
    pub width: usize,
    /// `[classes, width]`, for raw features.
    pub weights: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

impl Head {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.bias.len()
    }

    /// Computes the logits of rows of raw features, with sums in f64.
    ///
    /// # Shapes
    ///
    /// `features`: `[rows, width]`; the result: `[rows, classes]`.
    ///
    /// # Errors
    ///
    /// When `features` is no whole number of rows.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>> {
        if !features.len().is_multiple_of(self.width) {
            let expected = features.len().next_multiple_of(self.width);
            return Err(ProbeError::Length { what: "features", found: features.len(), expected });
        }
        let mut logits = Vec::with_capacity(features.len() / self.width * self.classes());
        let padded = padded(self.width);
        let widened = |values: &[f32], out: &mut [f64]| {
            out.iter_mut().zip(values).for_each(|(out, &value)| *out = f64::from(value));
        };
        let mut weights = vec![0.0; self.classes() * padded];
        for (out, row) in weights.chunks_exact_mut(padded).zip(self.weights.chunks(self.width)) {
            widened(row, out);
        }
        let mut row = vec![0.0; padded];
        for features in features.chunks_exact(self.width) {
            widened(features, &mut row);
            let class = |(weights, &bias)| (dot(&row, weights) + f64::from(bias)) as f32;
            logits.extend(weights.chunks_exact(padded).zip(&self.bias).map(class));
        }
        Ok(logits)
    }
}
