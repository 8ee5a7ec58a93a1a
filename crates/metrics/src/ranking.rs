//! The top classes with their probabilities.

use serde::Serialize;

use crate::{softmax_at, top_k};

/// A class and its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedClass {
    /// Name of the class.
    pub label: String,
    /// Probability in [0, 1].
    pub probability: f64,
}

/// Returns the first `count` classes (at least one), best first, with the softmax of logits /
/// `temperature`.
///
/// # Panics
///
/// When there are no logits, or their number differs from that of the names.
pub fn rank(
    logits: &[f32],
    class_names: &[String],
    temperature: f64,
    count: usize,
) -> Vec<RankedClass> {
    rank_probabilities(logits, &softmax_at(logits, temperature), class_names, count)
}

/// As [`rank`], with given probabilities. `scores` determine the order.
///
/// # Panics
///
/// As [`rank`].
pub fn rank_probabilities(
    scores: &[f32],
    probabilities: &[f64],
    class_names: &[String],
    count: usize,
) -> Vec<RankedClass> {
    assert!(!scores.is_empty() && scores.len() == class_names.len(), "a score for every name");
    top_k(scores, count.max(1))
        .into_iter()
        .map(|class| RankedClass {
            label: class_names[class].clone(),
            probability: probabilities[class],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_a_temperature_changes_only_how_sure_they_are() {
        let names = ["a", "b", "c"].map(String::from);
        let ranked = rank(&[1.0, 3.0, 2.0], &names, 1.0, 2);
        assert_eq!(ranked.iter().map(|class| class.label.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        let calmer = rank(&[1.0, 3.0, 2.0], &names, 2.0, 0);
        assert_eq!(calmer.len(), 1);
        assert!(calmer[0].label == "b" && calmer[0].probability < ranked[0].probability);
    }
}
