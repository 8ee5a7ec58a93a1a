//! Precision, recall and F1, by class and averaged.
//!
//! Source: `sklearn.metrics.precision_recall_fscore_support` (1.9) with `zero_division=0`, by class
//! for all classes.

use serde::{Deserialize, Serialize};

/// Scores of a class, or their mean over classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Share of the photos predicted as the class that belong to it; 0 when none was predicted.
    pub precision: f64,
    /// Share of the photos of the class that were predicted as it; 0 when there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 when both are 0.
    pub f1: f64,
    /// Number of photos of the class.
    pub support: usize,
}

/// Computes the scores of every class from a confusion matrix (rows true, columns predicted).
pub fn class_scores(matrix: &[Vec<usize>]) -> Vec<ClassScores> {
    (0..matrix.len())
        .map(|class| {
            let right = matrix[class][class];
            let support: usize = matrix[class].iter().sum();
            let predicted: usize = matrix.iter().map(|row| row[class]).sum();
            ClassScores {
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(2 * right, support + predicted),
                support,
            }
        })
        .collect()
}

/// Computes the unweighted mean over the classes that occur as a true or a predicted class, as
/// scikit-learn does without `labels`; `support` is the sum. Classes that do not occur have no
/// effect.
pub fn macro_average(matrix: &[Vec<usize>], scores: &[ClassScores]) -> ClassScores {
    let is_met =
        |class: &usize| scores[*class].support > 0 || matrix.iter().any(|row| row[*class] > 0);
    let met: Vec<ClassScores> =
        (0..scores.len()).filter(is_met).map(|class| scores[class]).collect();
    average(&met, |_| 1.0)
}

/// Computes the mean over classes weighted by support; `support` is the sum.
pub fn weighted_average(scores: &[ClassScores]) -> ClassScores {
    average(scores, |score| score.support as f64)
}

fn average(scores: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> ClassScores {
    let total: f64 = scores.iter().map(&weight).sum();
    let mean = |value: fn(&ClassScores) -> f64| match total {
        0.0 => 0.0,
        total => scores.iter().map(|score| weight(score) * value(score)).sum::<f64>() / total,
    };
    ClassScores {
        precision: mean(|score| score.precision),
        recall: mean(|score| score.recall),
        f1: mean(|score| score.f1),
        support: scores.iter().map(|score| score.support).sum(),
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_never_predicted_or_without_photos_scores_zero_and_never_nan() {
        // Class 1 is never predicted, class 2 has no photos.
        let matrix = [vec![3, 0, 1], vec![2, 0, 0], vec![0, 0, 0]];
        let scores = class_scores(&matrix);
        let expected = [(0.6, 0.75, 6.0 / 9.0, 4), (0.0, 0.0, 0.0, 2), (0.0, 0.0, 0.0, 0)];
        for (score, (precision, recall, f1, support)) in scores.iter().zip(expected) {
            assert_eq!(*score, ClassScores { precision, recall, f1, support });
        }
        // Class 2 was predicted, so it counts.
        assert_eq!(macro_average(&matrix, &scores).recall, 0.25);
        let matrix = [vec![3, 0, 0], vec![0, 2, 0], vec![0, 0, 0]];
        assert_eq!(macro_average(&matrix, &class_scores(&matrix)).f1, 1.0, "class 2 was not met");
        assert_eq!(weighted_average(&scores).recall, 0.5);
        assert_eq!(weighted_average(&scores).support, 6);
    }

    #[test]
    fn means_over_nothing_are_zero() {
        for matrix in [&[][..], &[vec![0]]] {
            let scores = class_scores(matrix);
            assert_eq!(macro_average(matrix, &scores).f1, 0.0);
            assert_eq!(weighted_average(&scores).f1, 0.0);
        }
    }
}
