//! How many labels are wrong, with an interval.

use kennel_metrics::wilson_interval;
use serde::{Deserialize, Serialize};

use crate::JudgedPhotos;
use crate::confident_joint::ConfidentJoint;
use crate::label_issues::is_predicted;

/// An estimated number of photos.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub count: usize,
    /// Lower bound of the 95 % interval.
    pub low: f64,
    /// Upper bound of the 95 % interval.
    pub high: f64,
}

impl Estimate {
    /// `count` of `photos` with the Wilson interval of their share, in photos.
    fn of(count: usize, photos: usize) -> Self {
        let (low, high) = match photos {
            0 => (0.0, 0.0),
            photos => wilson_interval(count, photos),
        };
        Estimate { count, low: low * photos as f64, high: high * photos as f64 }
    }
}

/// Estimates the number of wrong labels of each class, and of all: the photos that confidently
/// belong to another class than their label. The interval covers chance in the choice of photos,
/// not the mistakes of the network: where it confuses classes with confidence, the estimate is too
/// high.
///
/// Source: Northcutt, Jiang and Chuang 2021, section 3.1; `num_label_issues` of cleanlab 2.9.
pub(crate) fn estimates(
    judged: &JudgedPhotos,
    joint: &ConfidentJoint,
) -> (Vec<Estimate>, Estimate) {
    let mut wrong = vec![0; judged.classes()];
    for ((label, row), class) in judged.rows().zip(&joint.classes) {
        if class.is_some_and(|class| class != label) && !is_predicted(row, label) {
            wrong[label] += 1;
        }
    }
    let of_class = wrong.iter().zip(judged.label_counts());
    let of_class = of_class.map(|(&count, photos)| Estimate::of(count, photos)).collect();
    (of_class, Estimate::of(wrong.iter().sum(), judged.photos.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_in_photos_and_a_class_without_photos_has_no_wrong_labels() {
        let (low, high) = wilson_interval(3, 60);
        assert_eq!(Estimate::of(3, 60), Estimate { count: 3, low: 60.0 * low, high: 60.0 * high });
        assert_eq!(Estimate::of(0, 0), Estimate { count: 0, low: 0.0, high: 0.0 });
    }
}
