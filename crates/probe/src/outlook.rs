//! Extrapolates a learning curve to more photos.

use crate::chance::below;
use crate::learning_curve::{Errors, LearningCurve};
use crate::power_law::{Point, PowerLaw};
use crate::resample::{RESAMPLES, Resample, middle};
use crate::{ProbeError, Result};

/// A curve needs this many errors at all photos to say anything about the next.
const ERRORS: usize = 10;

/// An extrapolation ends at this multiple of the photos there are.
const REACH: f64 = 3.0;

/// What more photos would bring.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outlook {
    /// Errors fall with more photos.
    Falls(Extrapolation),
    /// Errors do not fall beyond chance, so nothing can be extrapolated.
    Level,
    /// So few errors are left that their number says nothing.
    FewErrors {
        /// Errors with all photos.
        errors: usize,
    },
}

/// Errors with more photos, with 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// Share of errors with that many photos.
    pub error: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How much lower than with all photos there are, in shares of the judged photos.
    pub gain: f64,
    /// Lower bound.
    pub gain_low: f64,
    /// Upper bound.
    pub gain_high: f64,
}

impl LearningCurve {
    /// Extrapolates the errors to `photos` thinned photos by a power law, `a + b n^-c` with `a` and
    /// `b` not below 0.
    ///
    /// The intervals are from 1000 resamples, each with a law of its own. A resample draws folds,
    /// each with heads trained on other photos, and photos within a fold, and leaves out one of the
    /// sizes. The intervals still take the power law for granted, so an extrapolation ends at three
    /// times the photos there are. Errors fall if they fall in 97.5 % of the resamples, from the
    /// fewest photos to all.
    ///
    /// # Errors
    ///
    /// When `photos` is more than three times the photos there are, or none.
    pub fn outlook(&self, whose: Errors, photos: f64, seed: u64) -> Result<Outlook> {
        let last = self.points.len() - 1;
        let all = self.points[last].photos;
        if !(photos > 0.0 && photos <= REACH * all) {
            return Err(ProbeError::TooFar { photos, most: REACH * all });
        }
        let judged = self.judged(whose);
        let (errors, _) = self.errors(last, whose);
        if errors < ERRORS {
            return Ok(Outlook::FewErrors { errors });
        }
        let law = self.law_of(&judged, None);
        let mut resample = Resample::new(&judged, &self.folds, seed, "learning curve");
        let mut resampled = Vec::new();
        let (mut at_photos, mut gains, mut falls) = (Vec::new(), Vec::new(), 0);
        for _ in 0..RESAMPLES {
            resample.draw(&mut resampled);
            let left_out = below(&mut resample.chance, self.points.len());
            let law = self.law_of(&resampled, Some(left_out));
            at_photos.push(law.error(photos));
            gains.push(law.error(all) - law.error(photos));
            falls += usize::from(law.error(self.points[0].photos) > law.error(all));
        }
        if (falls as f64) < 0.975 * RESAMPLES as f64 {
            return Ok(Outlook::Level);
        }
        let (low, high) = middle(at_photos);
        let (gain_low, gain_high) = middle(gains);
        let error = law.error(photos);
        let gain = law.error(all) - error;
        Ok(Outlook::Falls(Extrapolation { error, low, high, gain, gain_low, gain_high }))
    }

    /// The law through the errors at all sizes.
    pub fn law(&self, whose: Errors) -> PowerLaw {
        self.law_of(&self.judged(whose), None)
    }

    /// The law through the errors of some photos at all sizes but one, weighted by binomial
    /// variance.
    fn law_of(&self, photos: &[usize], left_out: Option<usize>) -> PowerLaw {
        let n = photos.len() as f64;
        let kept = self.points.iter().enumerate().filter(|(at, _)| left_out != Some(*at));
        let points = kept.map(|(_, point)| {
            let errors = photos.iter().filter(|&&photo| !point.is_correct[photo]).count() as f64;
            // Half an error more on both sides: none at all has a variance, too.
            let share = (errors + 0.5) / (n + 1.0);
            Point { n: point.photos, error: errors / n, weight: n / (share * (1.0 - share)) }
        });
        PowerLaw::fit(&points.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning_curve::CurvePoint;

    /// A curve of 1000 photos in five folds, of which `wrong(n)` are wrong with `n` photos.
    fn curve(wrong: impl Fn(f64) -> f64) -> LearningCurve {
        let point = |n: f64| {
            let errors = (1000.0 * wrong(n)).round() as usize;
            // 617 and 1000 have no common divisor: the wrong photos are spread over the folds.
            CurvePoint {
                photos: n,
                is_correct: (0..1000).map(|i| i * 617 % 1000 >= errors).collect(),
            }
        };
        let points = [100.0, 200.0, 400.0, 600.0, 800.0].map(point).to_vec();
        let labels = (0..1000).map(|photo| photo % 10).collect();
        LearningCurve { points, labels, folds: (0..1000).map(|photo| photo / 200).collect() }
    }

    #[test]
    fn an_interval_holds_the_error_of_its_law() {
        let law = |n: f64| 0.05 + 3.0 * n.powf(-0.6);
        let Outlook::Falls(found) = curve(law).outlook(Errors::Overall, 1200.0, 1).unwrap() else {
            panic!("it falls");
        };
        assert!((found.error - law(1200.0)).abs() < 0.002, "{found:?}");
        assert!(found.low < law(1200.0) && law(1200.0) < found.high, "{found:?}");
        assert!(found.high - found.low > 0.02 && found.high - found.low < 0.1, "{found:?}");
        let gain = law(800.0) - law(1200.0);
        assert!(found.gain_low < gain && gain < found.gain_high, "{found:?}");
        assert!(found.gain_low >= 0.0, "{found:?}");
    }

    #[test]
    fn errors_that_only_vary_are_level() {
        let found = curve(|n| if n == 400.0 { 0.101 } else { 0.1 });
        assert_eq!(found.outlook(Errors::Overall, 1200.0, 1).unwrap(), Outlook::Level);
    }

    #[test]
    fn a_few_errors_say_nothing() {
        let found = curve(|n| 0.9 / n.sqrt());
        let (errors, of) = found.errors(4, Errors::OfClass(3));
        assert_eq!(of, 100);
        let expected = Outlook::FewErrors { errors };
        assert_eq!(found.outlook(Errors::OfClass(3), 1200.0, 1).unwrap(), expected);
    }

    #[test]
    fn an_extrapolation_has_an_end() {
        let found = curve(|n| 3.0 / n.sqrt());
        assert!(found.outlook(Errors::Overall, 2400.0, 1).is_ok());
        for photos in [2401.0, 0.0, f64::NAN] {
            let error = found.outlook(Errors::Overall, photos, 1).unwrap_err();
            assert!(matches!(error, ProbeError::TooFar { .. }), "{error}");
        }
    }
}
