//! Which of two results on the validation photos is better.

use std::cmp::Ordering;

use kennel_core::ChooseBy;

/// A result on the validation photos. It chooses the epoch of a run, and the run of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidationScore {
    /// Share of photos that are right.
    pub accuracy: f64,
    /// Mean loss, in nats per image.
    pub loss: f64,
}

impl ValidationScore {
    /// Compares two results; the greater is the better: first the higher accuracy, then the lower
    /// loss. A loss that is not a number is the worst.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.compare_by(other, ChooseBy::Accuracy)
    }

    /// Compares two results by one of the numbers; the other one breaks ties. Epochs of a run are
    /// compared by the run's own choice, runs by [`ValidationScore::compare`].
    pub fn compare_by(&self, other: &Self, choose_by: ChooseBy) -> Ordering {
        let accuracy = self.accuracy.total_cmp(&other.accuracy);
        let loss = other.loss.total_cmp(&self.loss);
        match choose_by {
            ChooseBy::Accuracy => accuracy.then(loss),
            ChooseBy::Loss => loss.then(accuracy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_decides_then_the_lower_loss() {
        let score = |accuracy, loss| ValidationScore { accuracy, loss };
        for (a, b, wanted) in [
            (score(0.95, 0.3), score(0.9, 0.1), Ordering::Greater),
            (score(0.9, 0.2), score(0.9, 0.3), Ordering::Greater),
            (score(0.9, 0.2), score(0.9, 0.2), Ordering::Equal),
            (score(0.9, f64::NAN), score(0.9, 0.2), Ordering::Less),
        ] {
            assert_eq!(a.compare(&b), wanted, "{a:?} {b:?}");
        }
    }

    #[test]
    fn loss_decides_then_the_higher_accuracy() {
        let score = |accuracy, loss| ValidationScore { accuracy, loss };
        for (a, b, wanted) in [
            (score(0.95, 0.3), score(0.9, 0.1), Ordering::Less),
            (score(0.9, 0.2), score(0.8, 0.2), Ordering::Greater),
            (score(0.9, 0.2), score(0.9, 0.2), Ordering::Equal),
            (score(0.9, f64::NAN), score(0.1, 2.0), Ordering::Less),
        ] {
            assert_eq!(a.compare_by(&b, ChooseBy::Loss), wanted, "{a:?} {b:?}");
        }
    }
}
