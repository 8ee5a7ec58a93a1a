//! A Gaussian over the features of known photos, and how far a photo lies from it.

use crate::axes::{Axes, principal_axes};
use crate::moments::Moments;

/// Most axes. More bring little (docs/adr/0018-unknown-photos.md), and an exported file grows by
/// `4 * width` bytes for each.
pub const MAX_RANK: usize = 128;
/// Training photos per axis: fewer would be learnt by heart.
const PHOTOS_PER_AXIS: usize = 4;
/// Features per axis: the other directions need one variance of their own.
const FEATURES_PER_AXIS: usize = 4;
/// Smallest variance, as a share of the mean one: features that never change have none.
const MIN_VARIANCE: f64 = 1e-6;

/// A Gaussian with a variance along each of a few axes, and one variance in all other directions.
///
/// Source: probabilistic principal components, Tipping and Bishop 1999.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    /// Mean of the features. `[width]`.
    pub mean: Vec<f32>,
    /// Orthonormal directions, `[rank, width]`.
    pub axes: Vec<f32>,
    /// Variance along each axis. `[rank]`.
    pub variances: Vec<f32>,
    /// Variance in every direction outside the axes.
    pub rest: f32,
}

impl Gaussian {
    /// Takes the principal axes of the rows: one for every four rows and every four features, at
    /// most [`MAX_RANK`].
    ///
    /// # Panics
    ///
    /// When there are no rows.
    pub fn of(moments: &Moments) -> Self {
        assert!(moments.rows() > 0, "rows to take axes of");
        let width = moments.width();
        let rank = (moments.rows() / PHOTOS_PER_AXIS).min(width / FEATURES_PER_AXIS).min(MAX_RANK);
        let covariance = moments.covariance();
        let total: f64 = covariance.iter().step_by(width + 1).sum();
        let least = (MIN_VARIANCE * total / width as f64).max(f64::from(f32::MIN_POSITIVE));
        let Axes { axes, variances } = principal_axes(&covariance, width, rank);
        let outside = (total - variances.iter().sum::<f64>()) / (width - variances.len()) as f64;
        let small = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect();
        Self {
            mean: small(moments.mean()),
            axes: small(axes),
            variances: small(variances.into_iter().map(|variance| variance.max(least)).collect()),
            rest: outside.max(least) as f32,
        }
    }

    /// Features per row.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Computes the score of a photo: its squared Mahalanobis distance from the mean, divided by
    /// the number of features. The training photos have a mean near 1.
    ///
    /// NaN or infinity among the features gives NaN.
    ///
    /// Source: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution
    /// samples". Differs: one Gaussian for all classes, from few axes.
    ///
    /// # Panics
    ///
    /// When there is another number of features.
    pub fn score(&self, features: &[f32]) -> f64 {
        assert_eq!(features.len(), self.width(), "features of a photo");
        let centred: Vec<f64> = features
            .iter()
            .zip(&self.mean)
            .map(|(x, mean)| f64::from(*x) - f64::from(*mean))
            .collect();
        let whole: f64 = centred.iter().map(|x| x * x).sum();
        let axes = self.axes.chunks_exact(self.width()).zip(&self.variances);
        let (mut inside, mut distance) = (0.0, 0.0);
        for (axis, variance) in axes {
            let along: f64 = centred.iter().zip(axis).map(|(x, a)| x * f64::from(*a)).sum();
            inside += along * along;
            distance += along * along / f64::from(*variance);
        }
        // Axes in f32 are not quite orthonormal. `max` would replace NaN.
        let outside = whole - inside;
        let outside = if outside < 0.0 { 0.0 } else { outside };
        (distance + outside / f64::from(self.rest)) / self.width() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_counts_lengths_in_standard_deviations() {
        let gaussian = Gaussian {
            mean: vec![1.0, 0.0, 0.0],
            axes: vec![0.0, 1.0, 0.0],
            variances: vec![4.0],
            rest: 0.25,
        };
        let score = |features: [f32; 3]| 3.0 * gaussian.score(&features);
        assert_eq!(score([1.0, 0.0, 0.0]), 0.0);
        assert_eq!(score([1.0, 2.0, 0.0]), 1.0);
        assert_eq!(score([1.5, 2.0, 1.0]), 1.0 + 1.0 + 4.0);
        assert!(score([f32::NAN, 0.0, 0.0]).is_nan());
        assert!(score([f32::INFINITY, 0.0, 0.0]).is_nan());
    }

    #[test]
    fn few_photos_give_few_axes_and_features_that_never_change_a_small_variance() {
        let mut moments = Moments::new(64);
        moments.push(&(0..64 * 20).map(|i| (i * i % 101) as f32).collect::<Vec<_>>());
        assert_eq!(Gaussian::of(&moments).variances.len(), 5);
        moments.push(&(0..64 * 400).map(|i| (i * i % 103) as f32).collect::<Vec<_>>());
        assert_eq!(Gaussian::of(&moments).variances.len(), 16);

        let mut equal = Moments::new(8);
        equal.push(&[2.5; 8 * 40]);
        let gaussian = Gaussian::of(&equal);
        assert!(gaussian.variances.is_empty() && gaussian.rest > 0.0);
        assert_eq!(gaussian.score(&[2.5; 8]), 0.0);
    }
}
