//! Calibration: how well predicted probabilities agree with observed accuracy.

use kennel_core::PredictionRecord;
use serde::{Deserialize, Serialize};

use crate::probabilities::softmax_at;
use crate::{MetricsError, argmax};

/// Number of bins of a reliability diagram. They divide the top probability into equal widths.
pub const RELIABILITY_BINS: usize = 15;

/// Calibration errors. All values but the Brier score lie in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error: the distance between a bin's confidence and its accuracy,
    /// averaged over photos (Guo et al. 2017, "On calibration of modern neural networks").
    pub expected_calibration_error: f64,
    /// Squared distance between probabilities and truth, summed over classes and averaged over
    /// photos: in [0, 2], as `sklearn.metrics.brier_score_loss(scale_by_half=False)`.
    pub brier_score: f64,
    /// Bins of the reliability diagram, from the lowest confidence.
    pub bins: Vec<ReliabilityBin>,
}

/// Photos whose top probability lies in `(low, high]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower bound, exclusive.
    pub low: f64,
    /// Upper bound, inclusive.
    pub high: f64,
    /// Number of photos.
    pub n: usize,
    /// Mean top probability of its photos; 0 without photos.
    pub confidence: f64,
    /// Share of its photos classified correctly; 0 without photos.
    pub accuracy: f64,
}

/// Measures the calibration of softmax(logits / `temperature`) on `(logits, true class)`.
///
/// # Panics
///
/// Without photos, or when a true class has no logit.
pub fn calibration<'a>(
    photos: impl IntoIterator<Item = (&'a [f32], usize)>,
    temperature: f64,
) -> Calibration {
    let width = 1.0 / RELIABILITY_BINS as f64;
    let mut sums = [(0_usize, 0.0, 0_usize); RELIABILITY_BINS];
    let (mut brier, mut photos_seen) = (0.0, 0_usize);
    for (logits, true_class) in photos {
        let probabilities = softmax_at(logits, temperature);
        let top = argmax(logits);
        let confidence = probabilities[top];
        // (low, high]: a probability of 1 falls into the last bin, one at an edge into the lower
        // bin.
        let bin =
            ((confidence * RELIABILITY_BINS as f64).ceil() as usize).clamp(1, RELIABILITY_BINS) - 1;
        let (n, sum, right) = &mut sums[bin];
        *n += 1;
        *sum += confidence;
        *right += usize::from(top == true_class);
        let squares: f64 = probabilities.iter().map(|p| p * p).sum();
        brier += squares - 2.0 * probabilities[true_class] + 1.0;
        photos_seen += 1;
    }
    assert!(photos_seen > 0, "calibration of no photo");
    let total = photos_seen as f64;
    let bins: Vec<ReliabilityBin> = sums
        .iter()
        .enumerate()
        .map(|(index, &(n, confidence, right))| {
            let mean = |sum: f64| if n == 0 { 0.0 } else { sum / n as f64 };
            ReliabilityBin {
                low: index as f64 * width,
                high: (index + 1) as f64 * width,
                n,
                confidence: mean(confidence),
                accuracy: mean(right as f64),
            }
        })
        .collect();
    let error =
        bins.iter().map(|bin| bin.n as f64 / total * (bin.confidence - bin.accuracy).abs()).sum();
    Calibration { expected_calibration_error: error, brier_score: brier / total, bins }
}

/// Range of temperatures that is searched.
pub const TEMPERATURES: (f64, f64) = (0.25, 4.0);

/// Divisor of the logits before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// The divisor; 1 when it was not fitted.
    pub value: f64,
    /// Why it was not fitted.
    pub not_fitted: Option<NotFitted>,
}

/// Why a temperature was not fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotFitted {
    /// Every photo was classified correctly, so the loss keeps falling as the temperature falls.
    NoError,
    /// The loss was still falling at an end of [`TEMPERATURES`].
    AtBound,
}

impl std::fmt::Display for NotFitted {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (low, high) = TEMPERATURES;
        match self {
            NotFitted::NoError => {
                f.write_str("no photo was wrong, so nothing says how sure is too sure")
            }
            NotFitted::AtBound => write!(f, "the best lies outside of {low} to {high}"),
        }
    }
}

/// Fits a temperature ([`fit_temperature`]) to a run's predictions of its validation photos.
/// Returns 1 without photos.
///
/// # Errors
///
/// [`MetricsError::UnknownLabel`] for a true class that is not one of `class_names`.
pub fn temperature_of(
    records: &[PredictionRecord],
    class_names: &[String],
) -> Result<f64, MetricsError> {
    if records.is_empty() {
        return Ok(1.0);
    }
    let photos = records
        .iter()
        .map(|record| match class_names.iter().position(|name| *name == record.label) {
            Some(class) => Ok((&record.logits[..], class)),
            None => Err(MetricsError::UnknownLabel {
                path: record.path.clone(),
                label: record.label.clone(),
                classes: class_names.len(),
            }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fit_temperature(&photos).value)
}

/// Finds the temperature in [`TEMPERATURES`] with the smallest mean log loss on
/// `(logits, true class)`.
///
/// The loss is convex in 1 / temperature; its slope is bisected to the last bit. Fit on validation
/// photos, never on test photos.
///
/// # Panics
///
/// Without photos, or when a true class has no logit.
pub fn fit_temperature(photos: &[(&[f32], usize)]) -> Temperature {
    assert!(!photos.is_empty(), "a temperature for no photo");
    let not = |reason| Temperature { value: 1.0, not_fitted: Some(reason) };
    if photos.iter().all(|(logits, true_class)| argmax(logits) == *true_class) {
        return not(NotFitted::NoError);
    }
    // Slope of the loss with respect to 1 / temperature: the expected logit minus the logit of the
    // true class.
    let slope = |inverse: f64| -> f64 {
        let of_photo = |&(logits, true_class): &(&[f32], usize)| {
            let probabilities = softmax_at(logits, 1.0 / inverse);
            let expected: f64 =
                probabilities.iter().zip(logits).map(|(p, &z)| p * f64::from(z)).sum();
            expected - f64::from(logits[true_class])
        };
        photos.iter().map(of_photo).sum()
    };
    let (mut low, mut high) = (1.0 / TEMPERATURES.1, 1.0 / TEMPERATURES.0);
    if slope(low) >= 0.0 || slope(high) <= 0.0 {
        return not(NotFitted::AtBound);
    }
    loop {
        let middle = (low + high) / 2.0;
        if middle <= low || middle >= high {
            return Temperature { value: 1.0 / middle, not_fitted: None };
        }
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_and_right_is_calibrated_and_sure_and_wrong_is_not() {
        let logits = [50.0_f32, 0.0];
        let right = calibration([(&logits[..], 0)], 1.0);
        assert!(right.expected_calibration_error < 1e-15 && right.brier_score < 1e-15);
        assert_eq!(right.bins[RELIABILITY_BINS - 1].n, 1);
        let wrong = calibration([(&logits[..], 1)], 1.0);
        assert!((wrong.expected_calibration_error - 1.0).abs() < 1e-15);
        assert!((wrong.brier_score - 2.0).abs() < 1e-15);
        assert_eq!(wrong.bins.iter().map(|bin| bin.n).sum::<usize>(), 1);
    }

    #[test]
    fn the_fitted_temperature_has_the_least_loss() {
        // Three of four correct: the best margin is ln 3. A margin of 6 reaches it only at a
        // temperature above 4.
        let logits = [6.0_f32, 0.0];
        let photos: Vec<_> = [0, 0, 0, 1].map(|true_class| (&logits[..], true_class)).into();
        let fitted = fit_temperature(&photos);
        assert_eq!(fitted, Temperature { value: 1.0, not_fitted: Some(NotFitted::AtBound) });
        let logits = [3.0_f32, 0.0];
        let photos: Vec<_> = [0, 0, 0, 1].map(|true_class| (&logits[..], true_class)).into();
        let fitted = fit_temperature(&photos);
        assert!((fitted.value - 3.0 / 3.0_f64.ln()).abs() < 1e-12, "{fitted:?}");
        assert_eq!(fitted.not_fitted, None);
    }

    #[test]
    fn without_an_error_there_is_nothing_to_fit() {
        let logits = [3.0_f32, 0.0];
        let fitted = fit_temperature(&[(&logits, 0), (&logits, 0)]);
        assert_eq!(fitted, Temperature { value: 1.0, not_fitted: Some(NotFitted::NoError) });
        assert!(fitted.not_fitted.unwrap().to_string().contains("no photo was wrong"));
        // Always wrong: the flatter the distribution, the smaller the loss.
        let fitted = fit_temperature(&[(&logits, 1)]);
        assert_eq!(fitted.not_fitted, Some(NotFitted::AtBound));
    }
}
