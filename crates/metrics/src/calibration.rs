//! Whether probabilities mean what they say.

use kennel_core::PredictionRecord;
use serde::{Deserialize, Serialize};

use crate::probabilities::softmax_at;
use crate::{MetricsError, argmax};

/// Bins of a reliability diagram, of equal width over the top probability.
pub const RELIABILITY_BINS: usize = 15;

/// How far probabilities are from shares. All values but the Brier score lie in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error: the mean distance, over photos, of a bin's confidence from its accuracy (Guo et al.
    /// 2017, "On calibration of modern neural networks").
    pub expected_calibration_error: f64,
    /// Mean over photos of the squared distance of the probabilities from the truth, summed over classes: in [0, 2], as
    /// `sklearn.metrics.brier_score_loss(scale_by_half=False)`.
    pub brier_score: f64,
    /// The reliability diagram, from the lowest confidence.
    pub bins: Vec<ReliabilityBin>,
}

/// Photos whose top probability lies in `(low, high]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end, not part of it.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How many photos.
    pub n: usize,
    /// Their mean top probability; 0 without photos.
    pub confidence: f64,
    /// The share of them that is right; 0 without photos.
    pub accuracy: f64,
}

/// How well the softmax of logits / `temperature` is calibrated on `(logits, true class)`.
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
        // (low, high]: a certain photo belongs to the last bin, one at an edge to the lower.
        let bin = ((confidence * RELIABILITY_BINS as f64).ceil() as usize).clamp(1, RELIABILITY_BINS) - 1;
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
    let error = bins.iter().map(|bin| bin.n as f64 / total * (bin.confidence - bin.accuracy).abs()).sum();
    Calibration { expected_calibration_error: error, brier_score: brier / total, bins }
}

/// Temperatures that are looked for.
pub const TEMPERATURES: (f64, f64) = (0.25, 4.0);

/// What logits are divided by before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// The divisor; 1 where none could be fitted.
    pub value: f64,
    /// Why none could be fitted.
    pub not_fitted: Option<NotFitted>,
}

/// Why a temperature could not be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotFitted {
    /// Every photo was right, so that the loss falls for ever as the temperature does.
    NoError,
    /// The loss was still falling at an end of [`TEMPERATURES`].
    AtBound,
}

impl std::fmt::Display for NotFitted {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (low, high) = TEMPERATURES;
        match self {
            NotFitted::NoError => f.write_str("no photo was wrong, so nothing says how sure is too sure"),
            NotFitted::AtBound => write!(f, "the best lies outside of {low} to {high}"),
        }
    }
}

/// [`fit_temperature`] on a run's predictions of its validation photos; 1 without photos.
///
/// # Errors
///
/// [`MetricsError::UnknownLabel`] for a true class that is none of `class_names`.
pub fn temperature_of(records: &[PredictionRecord], class_names: &[String]) -> Result<f64, MetricsError> {
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

/// The temperature in [`TEMPERATURES`] with the least mean log loss on `(logits, true class)`.
///
/// The loss is convex in 1 / temperature, and its slope is bisected to the last bit. Fit it on validation photos, never on
/// test.
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
    // Of the loss with respect to 1 / temperature: what the logits are expected to be, less what they are.
    let slope = |inverse: f64| -> f64 {
        let of_photo = |&(logits, true_class): &(&[f32], usize)| {
            let probabilities = softmax_at(logits, 1.0 / inverse);
            let expected: f64 = probabilities.iter().zip(logits).map(|(p, &z)| p * f64::from(z)).sum();
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
        // Three of four right: the best margin is ln 3, which a margin of 6 reaches only beyond a temperature of 4.
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
        // Always wrong: the flatter the better.
        let fitted = fit_temperature(&[(&logits, 1)]);
        assert_eq!(fitted.not_fitted, Some(NotFitted::AtBound));
    }
}
