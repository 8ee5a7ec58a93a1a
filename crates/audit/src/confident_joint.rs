//! Which class a photo confidently belongs to, and how often labels contradict that.
//!
//! Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset
//! labels", section 3.1; the treatment of ties and empty classes is cleanlab 2.9's.

use crate::JudgedPhotos;
use crate::rounding::rounded_keeping_sum;

/// How far below its threshold a probability still counts: cleanlab's tolerance for rounding.
const TOLERANCE: f64 = 1e-6;
/// Lowest threshold: a class that its own photos never get still needs some probability.
const LEAST_THRESHOLD: f64 = 2.0 * TOLERANCE;
/// Threshold of a class without photos. No probability reaches it.
const UNREACHABLE: f64 = 2.0;

/// Counts of photos by label (rows) and by the class that they confidently belong to (columns).
#[derive(Clone, Debug, PartialEq)]
pub struct ConfidentJoint {
    /// Photos that confidently belong to a class. The diagonal is at least 1.
    pub counts: Vec<Vec<usize>>,
    /// `counts`, scaled so that each row sums to the number of photos with that label, and rounded:
    /// an estimate for all photos, also those that belong to no class confidently.
    pub calibrated: Vec<Vec<usize>>,
    /// The class that each photo confidently belongs to, if there is one.
    pub classes: Vec<Option<usize>>,
}

/// Computes each class's threshold: the mean probability of the class over the photos that are
/// labelled with it. A photo with at least that probability belongs to the class confidently.
pub fn confident_thresholds(judged: &JudgedPhotos) -> Vec<f64> {
    let mut sums = vec![0.0; judged.classes()];
    judged.rows().for_each(|(label, row)| sums[label] += row[label]);
    let means = sums.iter().zip(judged.label_counts()).map(|(&sum, count)| match count {
        0 => UNREACHABLE,
        count => (sum / count as f64).max(LEAST_THRESHOLD),
    });
    means.collect()
}

/// Counts the photos by label and confident class.
pub fn confident_joint(judged: &JudgedPhotos) -> ConfidentJoint {
    let thresholds = confident_thresholds(judged);
    let classes: Vec<Option<usize>> =
        judged.rows().map(|(_, row)| confident_class(row, &thresholds)).collect();
    let mut counts = vec![vec![0; judged.classes()]; judged.classes()];
    for ((label, _), class) in judged.rows().zip(&classes) {
        if let Some(class) = *class {
            counts[label][class] += 1;
        }
    }
    for (class, row) in counts.iter_mut().enumerate() {
        row[class] = row[class].max(1);
    }
    let calibrated = calibrated(&counts, &judged.label_counts());
    ConfidentJoint { counts, calibrated, classes }
}

/// Returns the only class whose probability reaches its threshold; if several do, the most probable
/// class of all.
fn confident_class(row: &[f64], thresholds: &[f64]) -> Option<usize> {
    let is_confident = |class: &usize| row[*class] >= thresholds[*class] - TOLERANCE;
    let mut confident = (0..row.len()).filter(is_confident);
    let first = confident.next()?;
    Some(if confident.next().is_none() { first } else { most_probable(row) })
}

/// Returns the class with the largest probability, the first of equals.
pub(crate) fn most_probable(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

fn calibrated(counts: &[Vec<usize>], label_counts: &[usize]) -> Vec<Vec<usize>> {
    let scaled = counts.iter().zip(label_counts).map(|(row, &photos)| {
        let sum: usize = row.iter().sum();
        row.iter().map(|&count| count as f64 / sum as f64 * photos as f64).collect::<Vec<f64>>()
    });
    scaled.map(|row| rounded_keeping_sum(&row)).collect()
}
