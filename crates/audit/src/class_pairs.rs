//! Pairs of classes that are often taken for each other.

use kennel_metrics::{Proportion, confusion_matrix};
use serde::{Deserialize, Serialize};

use crate::JudgedPhotos;
use crate::confident_joint::{ConfidentJoint, most_probable};

/// Lower bound of the confused share of either class, from which two classes are listed.
pub const INSEPARABLE: f64 = 0.1;

/// Two classes that are taken for each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassPair {
    /// The class with the lower index.
    pub first: String,
    /// The other class.
    pub second: String,
    /// Of the first class's photos that were predicted as one of the two: the share predicted as
    /// the second.
    pub first_as_second: Proportion,
    /// Of the second class's photos that were predicted as one of the two: the share predicted as
    /// the first.
    pub second_as_first: Proportion,
    /// Photos of either class that confidently belong to the other, of the calibrated joint:
    /// cleanlab's number of overlapping examples.
    pub overlapping: usize,
}

/// Lists the pairs of classes where both confused shares have a lower bound (95 % Wilson) of at
/// least [`INSEPARABLE`], the most confused first. So the confusion is mutual, and no accident of a
/// few photos: one class that swallows another is a matter of too few photos, not of the labels.
pub(crate) fn class_pairs(judged: &JudgedPhotos, joint: &ConfidentJoint) -> Vec<ClassPair> {
    let predictions = judged.rows().map(|(label, row)| (label, most_probable(row)));
    let matrix = confusion_matrix(predictions, judged.classes());
    let share = |from: usize, to: usize| {
        let n = matrix[from][from] + matrix[from][to];
        (n > 0).then(|| Proportion::new(matrix[from][to], n))
    };
    let mut found = Vec::new();
    for first in 0..judged.classes() {
        for second in first + 1..judged.classes() {
            let (Some(there), Some(back)) = (share(first, second), share(second, first)) else {
                continue;
            };
            if there.low >= INSEPARABLE && back.low >= INSEPARABLE {
                found.push(ClassPair {
                    first: judged.class_names[first].clone(),
                    second: judged.class_names[second].clone(),
                    first_as_second: there,
                    second_as_first: back,
                    overlapping: joint.calibrated[first][second] + joint.calibrated[second][first],
                });
            }
        }
    }
    let confused = |pair: &ClassPair| pair.first_as_second.value + pair.second_as_first.value;
    found.sort_by(|a, b| confused(b).total_cmp(&confused(a)));
    found
}
