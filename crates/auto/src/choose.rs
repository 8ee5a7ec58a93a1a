//! Chooses among networks by their validation losses.

use kennel_core::PredictionRecord;
use kennel_metrics::{argmax, photo_log_loss, temperature_of};

use crate::Result;

/// The validation losses of a network, at its own temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// Loss of each photo, in nats.
    pub by_photo: Vec<f64>,
    /// Photos that are labelled correctly.
    pub correct: usize,
}

/// How far a network lies behind the one with the lowest loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behind {
    /// Mean difference of the losses of the same photos, in nats. Not negative.
    pub difference: f64,
    /// Its standard error over the photos.
    pub standard_error: f64,
}

impl Losses {
    /// Scores predictions. A network is compared at its own temperature, because label smoothing
    /// and the number of steps change how sure it is, and a run reports calibrated probabilities.
    ///
    /// # Errors
    ///
    /// A label that is not in `class_names`.
    pub fn of(records: &[PredictionRecord], class_names: &[String]) -> Result<Self> {
        let temperature = temperature_of(records, class_names)?;
        let mut losses = Losses { by_photo: Vec::with_capacity(records.len()), correct: 0 };
        for record in records {
            let class = class_names.iter().position(|name| *name == record.label);
            let class = class.expect("the temperature knew every label");
            let calibrated: Vec<f32> = record
                .logits
                .iter()
                .map(|&logit| (f64::from(logit) / temperature) as f32)
                .collect();
            losses.correct += usize::from(argmax(&record.logits) == class);
            losses.by_photo.push(photo_log_loss(&calibrated, class));
        }
        Ok(losses)
    }

    /// Mean loss, in nats per photo.
    pub fn mean(&self) -> f64 {
        self.by_photo.iter().sum::<f64>() / self.by_photo.len() as f64
    }
}

/// Compares `candidates`, which are ordered from the simplest. Returns the index of the simplest
/// that is not behind the lowest loss by more than one standard error of the difference, and how
/// far each is behind.
///
/// The rule is that of Breiman et al. 1984, with the error of the paired difference: the photos are
/// the same, so that what is hard about them cancels.
///
/// # Panics
///
/// Without candidates.
pub fn choose(candidates: &[Losses]) -> (usize, Vec<Behind>) {
    let lowest = candidates
        .iter()
        .min_by(|a, b| a.mean().total_cmp(&b.mean()))
        .expect("there is a candidate");
    let behind: Vec<Behind> = candidates.iter().map(|losses| behind(losses, lowest)).collect();
    let chosen = behind.iter().position(|of| of.difference <= of.standard_error);
    (chosen.expect("the lowest is not behind itself"), behind)
}

fn behind(losses: &Losses, lowest: &Losses) -> Behind {
    let n = losses.by_photo.len() as f64;
    let differences: Vec<f64> =
        losses.by_photo.iter().zip(&lowest.by_photo).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    // One photo has no spread: nothing can be told apart.
    let standard_error = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY };
    Behind { difference: mean.max(0.0), standard_error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(by_photo: &[f64]) -> Losses {
        Losses { by_photo: by_photo.to_vec(), correct: 0 }
    }

    #[test]
    fn the_simplest_within_one_standard_error_wins() {
        let simple = losses(&[1.0, 1.0, 1.0, 1.0]);
        // Lower on every photo by nearly the same: the difference is far above its error.
        let better = losses(&[0.5, 0.51, 0.49, 0.5]);
        assert_eq!(choose(&[simple.clone(), better.clone()]).0, 1);
        // Lower in the mean, on one photo alone.
        let lucky = losses(&[0.2, 1.0, 1.0, 1.0]);
        let (chosen, behind) = choose(&[simple.clone(), lucky]);
        assert_eq!(chosen, 0);
        assert!((behind[0].difference - 0.2).abs() < 1e-12);
        assert!((behind[0].standard_error - 0.2).abs() < 1e-12);
        assert_eq!(behind[1], Behind { difference: 0.0, standard_error: 0.0 });
        assert_eq!(choose(&[better, simple]).0, 0);
    }

    #[test]
    fn a_network_is_compared_at_its_own_temperature() {
        let classes = ["a", "b"].map(String::from);
        let record = |label: &str, margin: f32| PredictionRecord {
            path: String::new(),
            label: label.into(),
            logits: vec![margin, 0.0],
        };
        let of = |margin: f32| {
            let records = ["a", "a", "a", "b"].map(|label| record(label, margin));
            Losses::of(&records, &classes).unwrap()
        };
        let (sure, unsure) = (of(3.0), of(0.8));
        assert!((sure.mean() - unsure.mean()).abs() < 1e-6);
        assert_eq!((sure.correct, unsure.correct), (3, 3));
    }
}
