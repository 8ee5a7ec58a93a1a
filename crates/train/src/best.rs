//! Chooses the best epoch.

use kennel_core::{ChooseBy, EpochRecord};
use kennel_metrics::ValidationScore;

/// Returns the best epoch by a number on the validation photos: highest accuracy or lowest loss,
/// then the other of the two, then the earliest. Without validation photos that is the last epoch.
pub fn best_epoch(epochs: &[EpochRecord], choose_by: ChooseBy) -> Option<&EpochRecord> {
    epochs.iter().reduce(|best, epoch| match is_better(epoch, best, choose_by) {
        true => epoch,
        false => best,
    })
}

/// Whether `new` is better than `old`. On a tie `old` stays; without validation photos it never
/// does.
pub fn is_better(new: &EpochRecord, old: &EpochRecord, choose_by: ChooseBy) -> bool {
    match (score(new), score(old)) {
        (Some(new), Some(old)) => new.compare_by(&old, choose_by).is_gt(),
        _ => true,
    }
}

/// Returns the result of an epoch on the validation photos.
pub fn score(epoch: &EpochRecord) -> Option<ValidationScore> {
    Some(ValidationScore { accuracy: epoch.val_accuracy?, loss: epoch.val_loss? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, val_accuracy: f64, val_loss: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: 0.0,
            train_accuracy: Some(0.0),
            mixed_labels: false,
            val_loss: Some(val_loss),
            val_accuracy: Some(val_accuracy),
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
            let best = best_epoch(&epochs, ChooseBy::Accuracy).unwrap();
            assert_eq!(best.epoch, expected, "{values:?}");
        }
        assert!(best_epoch(&[], ChooseBy::Accuracy).is_none());
    }

    #[test]
    fn without_validation_the_last_epoch_is_kept() {
        let unjudged =
            |number| EpochRecord { val_loss: None, val_accuracy: None, ..epoch(number, 0.0, 0.0) };
        let epochs = [unjudged(1), unjudged(2), unjudged(3)];
        assert_eq!(best_epoch(&epochs, ChooseBy::Accuracy).unwrap().epoch, 3);
    }

    #[test]
    fn loss_decides_if_the_run_asks_for_it() {
        let epochs = [epoch(1, 0.9, 0.2), epoch(2, 0.95, 0.3), epoch(3, 0.9, 0.2)];
        assert_eq!(best_epoch(&epochs, ChooseBy::Loss).unwrap().epoch, 1);
        assert_eq!(best_epoch(&epochs, ChooseBy::Accuracy).unwrap().epoch, 2);
    }
}
