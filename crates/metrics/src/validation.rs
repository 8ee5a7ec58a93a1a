//! Which of two results on the validation photos is better.

use std::cmp::Ordering;

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
        self.accuracy.total_cmp(&other.accuracy).then(other.loss.total_cmp(&self.loss))
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
}
