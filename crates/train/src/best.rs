//! Chooses the best epoch.

use kennel_core::EpochRecord;
use kennel_metrics::ValidationScore;

/// Returns the best epoch: highest validation accuracy, then lowest validation loss, then earliest.
pub fn best_epoch(epochs: &[EpochRecord]) -> Option<&EpochRecord> {
    epochs.iter().reduce(|best, epoch| if is_better(epoch, best) { epoch } else { best })
}

/// Whether `new` is better than `old`. On a tie `old` stays.
pub fn is_better(new: &EpochRecord, old: &EpochRecord) -> bool {
    score(new).compare(&score(old)).is_gt()
}

/// Returns the result of an epoch on the validation photos.
pub fn score(epoch: &EpochRecord) -> ValidationScore {
    ValidationScore { accuracy: epoch.val_accuracy, loss: epoch.val_loss }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, val_accuracy: f64, val_loss: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: 0.0,
            train_accuracy: 0.0,
            val_loss,
            val_accuracy,
            learning_rate: 0.0,
            head_update_ratio: 0.0,
            elapsed_s: 0.0,
            images_per_s: 0.0,
            peak_rss_bytes: 0,
        }
    }

    #[test]
    fn accuracy_decides_then_loss_then_the_earlier_epoch() {
        let table = [
            (vec![(0.9, 0.1), (0.95, 0.3)], 2),
            (vec![(0.9, 0.3), (0.9, 0.2)], 2),
            (vec![(0.9, 0.2), (0.9, 0.2)], 1),
            (vec![(0.9, 0.2), (0.9, f64::NAN)], 1),
        ];
        for (values, expected) in table {
            let epochs: Vec<_> =
                values.iter().enumerate().map(|(i, (a, l))| epoch(i + 1, *a, *l)).collect();
            assert_eq!(best_epoch(&epochs).unwrap().epoch, expected, "{values:?}");
        }
        assert!(best_epoch(&[]).is_none());
    }
}
