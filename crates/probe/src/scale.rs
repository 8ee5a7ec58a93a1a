//! Standardisation of features: zero mean and unit standard deviation over the training rows.

use crate::lanes::padded;
use crate::rows::Row;

/// A column whose standard deviation is below this share of its mean is constant: its values differ
/// by roundings of f32 only.
const CONSTANT: f64 = 1e-7;

/// So is one whose weight for raw features could exceed f32.
const SMALLEST_STD: f64 = 1e-30;

/// Mean and inverse standard deviation of each column.
#[derive(Clone)]
pub(crate) struct Scale {
    /// `[width]`.
    pub mean: Vec<f64>,
    /// `[width]`; 0 for a constant column, so that its weight stays 0.
    pub inverse_std: Vec<f64>,
}

impl Scale {
    /// Measures the columns of `rows`, each row counted once, in two passes.
    pub fn of(rows: &[Row<'_>], width: usize) -> Self {
        let n = rows.len() as f64;
        let mut mean = vec![0.0; width];
        for row in rows {
            for (sum, &value) in mean.iter_mut().zip(row.features) {
                *sum += f64::from(value);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= n);
        let mut inverse_std = vec![0.0; width];
        for row in rows {
            for ((sum, &value), mean) in inverse_std.iter_mut().zip(row.features).zip(&mean) {
                let difference = f64::from(value) - mean;
                *sum += difference * difference;
            }
        }
        for (value, mean) in inverse_std.iter_mut().zip(&mean) {
            let std = (*value / n).sqrt();
            let is_constant = std <= SMALLEST_STD.max(CONSTANT * mean.abs());
            *value = if is_constant { 0.0 } else { 1.0 / std };
        }
        Scale { mean, inverse_std }
    }

    /// Number of columns, padded to whole lanes.
    pub fn padded(&self) -> usize {
        padded(self.mean.len())
    }

    /// Writes `features` in standard units into the first columns of `out`.
    #[inline(always)]
    pub fn apply(&self, features: &[f32], out: &mut [f64]) {
        let scale = self.mean.iter().zip(&self.inverse_std);
        for ((out, &value), (mean, inverse_std)) in out.iter_mut().zip(features).zip(scale) {
            *out = (f64::from(value) - mean) * inverse_std;
        }
    }
}
