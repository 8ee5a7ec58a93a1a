//! Diagnoses a run's training from its curves, in a sentence with the evidence.

use kennel_core::EpochRecord;
use serde::Serialize;

use crate::course::Finding;
use crate::words::{Change, Epochs, Words};

/// The head counts as hardly trained if its update is less than this share of its initial weights.
const HARDLY_TRAINED: f64 = 0.1;
/// Training counts as not having learned if its loss ends above this share of the loss of guessing.
const NOT_LEARNED: f64 = 0.5;
/// Training counts as diverged if its loss ends above this multiple of the loss of guessing. A
/// first epoch from random weights stays below it.
const WORSE_THAN_GUESSING: f64 = 2.0;
/// A loss counts as having moved if it changed by more than this share and more than
/// [`MOVED_NATS`].
const MOVED: f64 = 0.1;
/// In nats per image.
const MOVED_NATS: f64 = 0.02;

/// Losses by epoch, in nats per image.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Loss on the augmented training photos.
    pub train_loss: Vec<f64>,
    /// Loss on the validation photos; empty without them.
    pub val_loss: Vec<f64>,
    /// `rms(w - w0) / rms(w0)` over the head after the last epoch, if known.
    pub head_update_ratio: Option<f64>,
    /// The smallest possible training loss: above 0 with label smoothing.
    pub floor: f64,
    /// Whether photos and labels were mixed in an epoch.
    pub mixed_labels: bool,
}

/// A finding with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The finding.
    pub finding: Finding,
    /// The finding in a sentence, with the evidence.
    pub sentence: String,
}

impl Curves {
    /// Collects the curves of a run over `classes` classes.
    pub fn of(epochs: &[EpochRecord], label_smoothing: f64, classes: usize) -> Self {
        Curves {
            train_loss: epochs.iter().map(|epoch| epoch.train_loss).collect(),
            val_loss: epochs.iter().filter_map(|epoch| epoch.val_loss).collect(),
            head_update_ratio: epochs.last().map(|epoch| epoch.head_update_ratio),
            floor: smoothing_floor(label_smoothing, classes),
            mixed_labels: epochs.iter().any(|epoch| epoch.mixed_labels),
        }
    }
}

/// Returns the entropy of labels smoothed over `classes` classes, in nats. Their cross-entropy
/// cannot be smaller.
fn smoothing_floor(smoothing: f64, classes: usize) -> f64 {
    let other = smoothing / classes as f64;
    let own = 1.0 - smoothing + other;
    let term = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
    term(own) + (classes as f64 - 1.0) * term(other)
}

/// Diagnoses a training over `classes` classes. Returns `None` without epochs, and for a low
/// training loss after a single epoch or without validation.
pub fn diagnose(curves: &Curves, classes: usize) -> Option<Diagnosis> {
    diagnose_in(Words::ENGLISH, curves, classes)
}

/// As [`diagnose`], in the given words.
pub(crate) fn diagnose_in(words: Words, curves: &Curves, classes: usize) -> Option<Diagnosis> {
    let &train = curves.train_loss.last()?;
    let guessing = (classes as f64).ln();
    let found = |finding, sentence| Some(Diagnosis { finding, sentence });
    if train > WORSE_THAN_GUESSING * guessing {
        return found(Finding::Diverged, words.diverged(train, guessing));
    }
    if curves.mixed_labels {
        return found(Finding::MixedLabels, words.mixed_labels());
    }
    if train > curves.floor + NOT_LEARNED * (guessing - curves.floor) {
        return match curves.head_update_ratio {
            Some(ratio) if ratio < HARDLY_TRAINED => {
                found(Finding::HeadHardlyTrained, words.head_hardly_trained(train, guessing, ratio))
            }
            _ => found(
                Finding::Underfitting,
                words.underfitting(train, guessing, was_still_falling(curves)),
            ),
        };
    }
    let &val = curves.val_loss.last()?;
    let (best, &lowest) = curves.val_loss.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?;
    let train_then = curves.train_loss.get(best).copied().unwrap_or(train);
    let since_best = Epochs(best + 1, curves.val_loss.len());
    let (rise, course) = (Change(lowest, val), Change(train_then, train));
    if moved(val, lowest) && train >= train_then {
        return found(Finding::Diverging, words.diverging(since_best, rise, course));
    }
    if moved(val, lowest) {
        return found(Finding::Overfitting, words.overfitting(since_best, rise, course));
    }
    // Look at the last third: long enough for noise to show, short enough to be the end. A single
    // epoch shows no trend.
    let since = match curves.val_loss.len() {
        0 | 1 => return None,
        epochs => epochs - 1 - (epochs / 3).max(1),
    };
    let (val_then, train_since) = (curves.val_loss[since], curves.train_loss[since]);
    let (of_train, of_val) = (Change(train_since, train), Change(val_then, val));
    if moved(val_then, val) && moved(train_since, train) {
        let sentence = words.still_improving(since + 1, of_train, of_val);
        return found(Finding::StillImproving, sentence);
    }
    let falls = [(train_since, train), (val_then, val)];
    let still_falls = falls.iter().any(|(then, now)| *then > (1.0 + MOVED) * now);
    let is_little = falls.iter().all(|(then, now)| (then - now).abs() <= MOVED_NATS);
    let noise = (still_falls && is_little).then_some(MOVED_NATS);
    let last_third = Epochs(since + 1, curves.val_loss.len());
    found(Finding::Converged, words.converged(last_third, of_train, of_val, noise))
}

/// Whether the last epoch still lowered the training loss.
fn was_still_falling(curves: &Curves) -> bool {
    match curves.train_loss.as_slice() {
        [.., before, last] => moved(*before, *last),
        _ => false,
    }
}

/// Whether `high` is above `low` by more than the noise of some hundred photos.
fn moved(high: f64, low: f64) -> bool {
    high - low > MOVED_NATS && high > (1.0 + MOVED) * low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(train: &[f64], val: &[f64], head_update_ratio: f64) -> Curves {
        let (train_loss, val_loss) = (train.to_vec(), val.to_vec());
        let head_update_ratio = Some(head_update_ratio);
        Curves { train_loss, val_loss, head_update_ratio, ..Curves::default() }
    }

    #[test]
    fn each_course_has_its_name() {
        for (case, finding) in [
            (
                curves(&[1.3, 0.5, 0.3, 0.3, 0.3, 0.3], &[0.9, 0.2, 0.1, 0.1, 0.1, 0.1], 0.5),
                Finding::Converged,
            ),
            (
                curves(&[1.3, 0.5, 0.3, 0.2, 0.1, 0.0], &[0.9, 0.3, 0.2, 0.3, 0.4, 0.5], 0.5),
                Finding::Overfitting,
            ),
            (
                curves(&[1.5, 1.3, 1.1, 0.9, 0.7, 0.5], &[1.4, 1.2, 1.0, 0.8, 0.6, 0.4], 0.5),
                Finding::StillImproving,
            ),
            (
                curves(&[1.6, 1.5, 1.3, 1.2, 1.1, 1.1], &[1.5, 1.3, 1.1, 1.0, 1.0, 1.0], 0.5),
                Finding::Underfitting,
            ),
            (
                curves(&[1.6, 1.5, 1.3, 1.2, 1.1, 1.1], &[1.5, 1.3, 1.1, 1.0, 1.0, 1.0], 0.01),
                Finding::HeadHardlyTrained,
            ),
            (
                curves(&[0.5, 0.3, 0.4, 0.6, 0.7, 0.7], &[0.9, 0.5, 0.6, 0.8, 1.2, 1.4], 0.5),
                Finding::Diverging,
            ),
            (curves(&[0.5, 0.1], &[0.3, 0.1], 0.5), Finding::StillImproving),
            (curves(&[9e4, 6e4, 8e4], &[9e4, 2e4, 7e4], 900.0), Finding::Diverged),
        ] {
            let diagnosis = diagnose(&case, 5).unwrap();
            assert_eq!(diagnosis.finding, finding, "{case:?}: {}", diagnosis.sentence);
        }
        assert_eq!(diagnose(&Curves::default(), 5), None);
        assert_eq!(diagnose(&curves(&[0.1], &[0.1], 0.5), 5), None);
    }

    #[test]
    fn a_small_loss_that_falls_by_less_than_noise_is_said_to() {
        let resting =
            diagnose(&curves(&[1.3, 0.5, 0.3, 0.3], &[0.9, 0.2, 0.1, 0.1], 0.5), 5).unwrap();
        let falling =
            diagnose(&curves(&[0.5, 0.05, 0.04, 0.03], &[0.2, 0.05, 0.03, 0.02], 0.5), 5).unwrap();
        assert_eq!([resting.finding, falling.finding], [Finding::Converged; 2]);
        assert!(
            !resting.sentence.contains("noise") && falling.sentence.contains("noise"),
            "{}",
            falling.sentence
        );
    }

    #[test]
    fn smoothed_labels_have_a_loss_of_their_own() {
        let smoothed = Curves { floor: 0.88, ..curves(&[1.4, 0.95, 0.93], &[0.5, 0.21, 0.2], 0.5) };
        assert_eq!(diagnose(&smoothed, 5).unwrap().finding, Finding::Converged);
    }

    #[test]
    fn the_loss_of_mixed_labels_is_not_judged_unless_it_has_diverged() {
        let of = |train: &[f64]| Curves { mixed_labels: true, ..curves(train, &[0.5, 0.2], 0.5) };
        let finding = |train: &[f64]| diagnose(&of(train), 5).unwrap().finding;
        assert_eq!(finding(&[1.5, 1.4]), Finding::MixedLabels);
        assert_eq!(finding(&[9.0, 99.0]), Finding::Diverged);
    }

    #[test]
    fn a_loss_that_was_small_and_stays_small_is_no_overfitting() {
        let case = curves(&[0.5, 0.02, 0.01], &[0.010, 0.008, 0.012], 0.5);
        assert_eq!(diagnose(&case, 5).unwrap().finding, Finding::Converged);
    }
}
