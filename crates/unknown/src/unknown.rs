//! Everything that decides whether a photo is unknown.

use crate::gaussian::Gaussian;
use crate::moments::Moments;
use crate::threshold::{MIN_KNOWN_PHOTOS, threshold};

/// Fewest training photos that give a Gaussian.
pub const MIN_TRAIN_PHOTOS: usize = 16;

/// Decides whether a photo is of none of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// The features of known photos.
    pub known: Gaussian,
    /// Share of known photos that may be refused, in (0, 1).
    pub share: f64,
    /// A photo with a higher score is unknown.
    pub threshold: f64,
}

/// Why unknown photos cannot be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFitted {
    /// Too few photos of a split.
    #[error("{found} {split} photos, expected at least {expected}")]
    TooFew {
        /// `training` or `validation`.
        split: &'static str,
        /// Their number.
        found: usize,
        /// The least number.
        expected: usize,
    },
    /// A photo whose features are not finite.
    #[error("the features of a photo are not finite")]
    NotFinite,
}

impl Unknown {
    /// Checks that there are enough photos.
    ///
    /// # Errors
    ///
    /// [`NotFitted::TooFew`].
    pub fn check(train_photos: usize, val_photos: usize) -> Result<(), NotFitted> {
        for (split, found, expected) in [
            ("training", train_photos, MIN_TRAIN_PHOTOS),
            ("validation", val_photos, MIN_KNOWN_PHOTOS),
        ] {
            if found < expected {
                return Err(NotFitted::TooFew { split, found, expected });
            }
        }
        Ok(())
    }

    /// Fits the Gaussian to `train`, the features of the training photos. Takes the threshold from
    /// `val`, the features of the validation photos, so that a `share` of new known photos exceeds
    /// it.
    ///
    /// # Shapes
    ///
    /// `val`: `[n, width]`.
    ///
    /// # Errors
    ///
    /// [`NotFitted`].
    ///
    /// # Panics
    ///
    /// When `share` is not in (0, 1), or `val` has another width.
    pub fn fit(train: &Moments, val: &[f32], share: f64) -> Result<Self, NotFitted> {
        let width = train.width();
        assert_eq!(val.len() % width, 0, "rows of {width} features");
        Self::check(train.rows(), val.len() / width)?;
        let is_finite = |mean: &[f64]| mean.iter().all(|x| x.is_finite());
        if !is_finite(&train.mean()) {
            return Err(NotFitted::NotFinite);
        }
        let known = Gaussian::of(train);
        let scores: Vec<f64> = val.chunks_exact(width).map(|row| known.score(row)).collect();
        if !is_finite(&scores) {
            return Err(NotFitted::NotFinite);
        }
        let threshold = threshold(&scores, share);
        Ok(Self { known, share, threshold })
    }

    /// Whether a photo with this score is unknown. One whose score is no number is.
    pub fn refuses(&self, score: f64) -> bool {
        score > self.threshold || score.is_nan()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_photos_are_an_error_that_says_which() {
        let mut train = Moments::new(8);
        train.push(&[1.0; 8 * 15]);
        let error = Unknown::fit(&train, &[0.0; 8 * 20], 0.01).unwrap_err();
        assert_eq!(error.to_string(), "15 training photos, expected at least 16");
        train.push(&[2.0; 8]);
        let error = Unknown::fit(&train, &[0.0; 8 * 9], 0.01).unwrap_err();
        assert_eq!(error.to_string(), "9 validation photos, expected at least 10");
        assert!(Unknown::fit(&train, &[0.0; 8 * 10], 0.01).is_ok());
    }

    #[test]
    fn a_feature_that_is_not_finite_is_an_error() {
        let mut train = Moments::new(8);
        train.push(&(0..8 * 16).map(|i| (i * i % 11) as f32).collect::<Vec<_>>());
        let mut val = vec![0.5; 8 * 10];
        assert!(Unknown::fit(&train, &val, 0.01).is_ok());
        val[11] = f32::INFINITY;
        assert_eq!(Unknown::fit(&train, &val, 0.01), Err(NotFitted::NotFinite));
        train.push(&[f32::NAN; 8]);
        assert_eq!(Unknown::fit(&train, &[0.5; 8 * 10], 0.01), Err(NotFitted::NotFinite));
    }
}
