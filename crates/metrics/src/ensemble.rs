//! Averages the probabilities of several classifiers, and chooses which of them to average.

use kennel_core::PredictionRecord;

/// Most members that [`select_greedily`] adds.
const MOST_ADDED: usize = 100;

/// The answers of one classifier to some photos.
#[derive(Clone, Copy, Debug)]
pub struct EnsembleMember<'a> {
    /// Its predictions.
    pub records: &'a [PredictionRecord],
    /// Divisor of its logits before the softmax.
    pub temperature: f64,
    /// Its share in the average.
    pub weight: f64,
}

/// One step of [`select_greedily`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Added {
    /// Index of the member that was added.
    pub member: usize,
    /// Mean loss of the average with it, in nats per photo.
    pub loss: f64,
}

/// Averages the probabilities of classifiers for one photo. Returns the logarithms of the averages,
/// which are logits: their softmax at a temperature of 1 is the average.
///
/// Each item has the logits of a classifier (finite, one per class), the temperature that divides
/// them, and the positive weight of its probabilities. The weights sum to 1.
///
/// # Panics
///
/// Without items, or when two have different numbers of classes.
pub fn log_average<'a>(items: impl IntoIterator<Item = (&'a [f32], f64, f64)>) -> Vec<f32> {
    let rows: Vec<Vec<f64>> = items
        .into_iter()
        .map(|(logits, temperature, weight)| {
            let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shifted = logits.iter().map(|&z| (f64::from(z) - f64::from(max)) / temperature);
            let log_sum = shifted.clone().map(f64::exp).sum::<f64>().ln();
            shifted.map(|z| z - log_sum + weight.ln()).collect()
        })
        .collect();
    let classes = rows[0].len();
    assert!(rows.iter().all(|row| row.len() == classes), "rows of different lengths");
    let of_class = |class: usize| {
        let terms = rows.iter().map(|row| row[class]);
        // Sums relative to the largest term, so that no probability is too small for a logarithm.
        let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
        let log = largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln();
        log.max(f64::from(f32::MIN)) as f32
    };
    (0..classes).map(of_class).collect()
}

/// Averages the probabilities of classifiers for the same photos, in the same order. The result has
/// the paths and labels of the first member, and the logits of [`log_average`].
///
/// # Panics
///
/// Without members, or when two have different numbers of photos or classes.
pub fn average_predictions(members: &[EnsembleMember<'_>]) -> Vec<PredictionRecord> {
    let first = members[0].records;
    assert!(members.iter().all(|member| member.records.len() == first.len()), "other photos");
    let of_photo = |(index, record): (usize, &PredictionRecord)| {
        let rows = members
            .iter()
            .map(|member| (&member.records[index].logits[..], member.temperature, member.weight));
        PredictionRecord { logits: log_average(rows), ..record.clone() }
    };
    first.iter().enumerate().map(of_photo).collect()
}

/// Chooses members of an ensemble one after another: each step adds the member that lowers the mean
/// loss of the averaged probabilities most, until none lowers it. A member may be added again,
/// which gives it more weight. Among equals the first is added.
///
/// `losses` has the losses of each candidate on the same photos, in nats. They are all that is
/// needed: the loss of an average is that of the true class's averaged probability.
///
/// Source: Caruana et al. 2004, "Ensemble selection from libraries of models", sections 2 and 2.1,
/// with the loss as the metric.
///
/// # Panics
///
/// Without candidates or photos, or when two candidates have different numbers of photos.
pub fn select_greedily(losses: &[Vec<f64>]) -> Vec<Added> {
    let photos = losses[0].len();
    assert!(photos > 0 && losses.iter().all(|of| of.len() == photos), "other photos");
    let mut sums = vec![0.0; photos];
    let mut added: Vec<Added> = Vec::new();
    while added.len() < MOST_ADDED {
        let n = (added.len() + 1) as f64;
        let loss_with = |candidate: &[f64]| {
            let of_photo = |(sum, loss): (&f64, &f64)| -((sum + (-loss).exp()) / n).ln();
            sums.iter().zip(candidate).map(of_photo).sum::<f64>() / photos as f64
        };
        let best = losses
            .iter()
            .enumerate()
            .map(|(member, candidate)| Added { member, loss: loss_with(candidate) })
            .min_by(|a, b| a.loss.total_cmp(&b.loss))
            .expect("there is a candidate");
        if added.last().is_some_and(|last| best.loss >= last.loss) {
            break;
        }
        for (sum, loss) in sums.iter_mut().zip(&losses[best.member]) {
            *sum += (-loss).exp();
        }
        added.push(best);
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{photo_log_loss, softmax, softmax_at};

    fn record(logits: &[f32]) -> PredictionRecord {
        PredictionRecord { path: "val/a/1.jpg".into(), label: "a".into(), logits: logits.into() }
    }

    #[test]
    fn the_softmax_of_the_average_is_the_average_of_the_softmaxes() {
        let rows = [([2.0, -1.0, 0.5], 2.0, 0.25), ([-3.0, 4.0, 1.0], 0.5, 0.75)];
        let members =
            rows.map(|(logits, temperature, weight)| ([record(&logits)], temperature, weight));
        let members = members.each_ref().map(|(records, temperature, weight)| EnsembleMember {
            records,
            temperature: *temperature,
            weight: *weight,
        });
        let averaged = average_predictions(&members);
        assert_eq!((averaged[0].path.as_str(), averaged[0].label.as_str()), ("val/a/1.jpg", "a"));
        let [a, b] = rows.map(|(logits, temperature, _)| softmax_at(&logits, temperature));
        for (class, p) in softmax(&averaged[0].logits).into_iter().enumerate() {
            assert!((p - (0.25 * a[class] + 0.75 * b[class])).abs() < 1e-7);
        }
    }

    #[test]
    fn a_probability_that_no_float_can_hold_keeps_its_logarithm() {
        let row: &[f32] = &[0.0, 2000.0];
        let averaged = log_average([(row, 1.0, 0.5), (row, 1.0, 0.5)]);
        assert_eq!(averaged, [-2000.0, 0.0]);
        let extreme: &[f32] = &[f32::MIN, f32::MAX];
        assert!(log_average([(extreme, 0.25, 1.0)]).iter().all(|logit| logit.is_finite()));
    }

    #[test]
    fn the_best_is_added_first_and_what_does_not_help_is_not() {
        let losses = |p: &[f64]| -> Vec<f64> { p.iter().map(|p| -p.ln()).collect() };
        // The first two are sure of different photos; the third is worse than both everywhere.
        let candidates =
            [losses(&[0.4, 0.9, 0.9]), losses(&[0.9, 0.45, 0.9]), losses(&[0.4, 0.5, 0.3])];
        let added = select_greedily(&candidates);
        assert_eq!(added.iter().map(|of| of.member).collect::<Vec<_>>()[..2], [1, 0]);
        assert!(added.iter().all(|of| of.member != 2));
        assert!(added.windows(2).all(|pair| pair[1].loss < pair[0].loss));
        // The average of what was added has the loss that the last step states.
        let mean = |photo: usize| {
            added.iter().map(|of| (-candidates[of.member][photo]).exp()).sum::<f64>()
                / added.len() as f64
        };
        let loss = (0..3).map(|photo| -mean(photo).ln()).sum::<f64>() / 3.0;
        assert!((loss - added.last().unwrap().loss).abs() < 1e-12);
    }

    #[test]
    fn a_candidate_alone_is_added_once() {
        let loss = photo_log_loss(&[1.0, 0.0], 0);
        let added = select_greedily(&[vec![loss, 0.1]]);
        assert_eq!(added.len(), 1);
        assert!((added[0].loss - (loss + 0.1) / 2.0).abs() < 1e-12);
    }
}
