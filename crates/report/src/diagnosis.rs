//! Diagnoses a run's training from its curves, in a sentence with the evidence.

use kennel_core::EpochRecord;
use serde::Serialize;

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

/// How a training went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Both losses have settled.
    Converged,
    /// Training loss falls while validation loss rises.
    Overfitting,
    /// Validation loss rises and training loss does not fall.
    Diverging,
    /// The loss is far above that of guessing.
    Diverged,
    /// The loss is still high.
    Underfitting,
    /// The loss is low and still falling.
    StillImproving,
    /// The loss is still high because the head has hardly changed.
    HeadHardlyTrained,
    /// The training loss is that of mixed labels, and says nothing about the fit.
    MixedLabels,
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
    let &train = curves.train_loss.last()?;
    let guessing = (classes as f64).ln();
    let found = |finding, sentence| Some(Diagnosis { finding, sentence });
    if train > WORSE_THAN_GUESSING * guessing {
        return found(
            Finding::Diverged,
            format!(
                "Diverged: training loss ended at {train:.3} nats, where guessing costs {guessing:.3}; an epoch that looks good is \
                 luck. A lower learning rate."
            ),
        );
    }
    if curves.mixed_labels {
        return found(
            Finding::MixedLabels,
            "Mixed labels: MixUp or CutMix gave photos more than one class. Such epochs have no \
             training accuracy, and the training loss is not judged."
                .into(),
        );
    }
    if train > curves.floor + NOT_LEARNED * (guessing - curves.floor) {
        let high =
            format!("training loss ended at {train:.3} nats, where guessing costs {guessing:.3}");
        return match curves.head_update_ratio {
            Some(ratio) if ratio < HARDLY_TRAINED => found(
                Finding::HeadHardlyTrained,
                format!(
                    "Head hardly trained: {high}, and the head's update is {:.1} % of its start (head_update_ratio). A higher \
                     learning rate, at least for the head, or more epochs.",
                    100.0 * ratio
                ),
            ),
            _ => found(
                Finding::Underfitting,
                format!(
                    "Underfitting: {high}{}. A higher learning rate or more epochs.",
                    still_falling(curves)
                ),
            ),
        };
    }
    let &val = curves.val_loss.last()?;
    let (best, &lowest) = curves.val_loss.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?;
    let train_then = curves.train_loss.get(best).copied().unwrap_or(train);
    if moved(val, lowest) && train >= train_then {
        return found(
            Finding::Diverging,
            format!(
                "Diverging: from epoch {} to {} validation loss rose from {lowest:.3} to {val:.3} nats and training loss went \
                 from {train_then:.3} to {train:.3}. A lower learning rate.",
                best + 1,
                curves.val_loss.len()
            ),
        );
    }
    if moved(val, lowest) {
        return found(
            Finding::Overfitting,
            format!(
                "Overfitting: from epoch {} to {} validation loss rose from {lowest:.3} to {val:.3} nats while training loss \
                 fell from {train_then:.3} to {train:.3}. Fewer epochs or stronger augmentation.",
                best + 1,
                curves.val_loss.len()
            ),
        );
    }
    // Look at the last third: long enough for noise to show, short enough to be the end. A single
    // epoch shows no trend.
    let since = match curves.val_loss.len() {
        0 | 1 => return None,
        epochs => epochs - 1 - (epochs / 3).max(1),
    };
    let (val_then, train_since) = (curves.val_loss[since], curves.train_loss[since]);
    if moved(val_then, val) && moved(train_since, train) {
        return found(
            Finding::StillImproving,
            format!(
                "Still improving: both losses were still falling when training ended (from epoch {} on, training {train_since:.3} \
                 to {train:.3}, validation {val_then:.3} to {val:.3} nats). More epochs may bring more.",
                since + 1
            ),
        );
    }
    let falls = [(train_since, train), (val_then, val)];
    let still_falls = falls.iter().any(|(then, now)| *then > (1.0 + MOVED) * now);
    let little =
        match still_falls && falls.iter().all(|(then, now)| (then - now).abs() <= MOVED_NATS) {
            true => format!(
                ", both by no more than {MOVED_NATS} nats, the noise of some hundred photos"
            ),
            false => String::new(),
        };
    found(
        Finding::Converged,
        format!(
            "Converged: from epoch {} to {} training loss went from {train_since:.3} to {train:.3} nats and validation loss from \
             {val_then:.3} to {val:.3}{little}.",
            since + 1,
            curves.val_loss.len()
        ),
    )
}

/// Returns what to add when the last epoch still lowered the training loss.
fn still_falling(curves: &Curves) -> &'static str {
    match curves.train_loss.as_slice() {
        [.., before, last] if moved(*before, *last) => ", and was still falling",
        _ => "",
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
