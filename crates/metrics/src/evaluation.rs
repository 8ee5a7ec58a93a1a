//! Computes all metrics of a set of predictions: the contents of `evaluation.json`.

use std::collections::HashMap;

use kennel_core::PredictionRecord;
use serde::{Deserialize, Serialize};

use crate::{
    ClassScores, MetricsError, Proportion, argmax, class_scores, confusion_matrix, in_top_k,
    macro_average, mean_log_loss, weighted_average,
};

/// Metrics of a classifier on one set of photos. Shares are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of photos.
    pub n: usize,
    /// Photos whose largest logit is that of their class. Among equal logits the lowest index
    /// counts.
    pub correct: usize,
    /// `correct` of `n`, with its interval.
    pub accuracy: Proportion,
    /// Share of photos whose class is among the top five, with its interval; only for more than
    /// five classes.
    pub top5: Option<Proportion>,
    /// Mean cross-entropy of the true class, in nats per image.
    pub log_loss: f64,
    /// Rows are true classes, columns predicted ones, in the order of `per_class`.
    pub confusion_matrix: Vec<Vec<usize>>,
    /// Scores by class, in the order of the run's `class_names`.
    pub per_class: Vec<ClassReport>,
    /// Unweighted mean over the classes that occur, as a true or a predicted class.
    pub macro_avg: ClassScores,
    /// Mean over classes weighted by support.
    pub weighted_avg: ClassScores,
}

/// Scores of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Name of the class.
    pub name: String,
    /// Share of the photos predicted as the class that belong to it; 0 when none was predicted.
    pub precision: f64,
    /// Share of the photos of the class that were predicted as it; 0 when there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 when both are 0.
    pub f1: f64,
    /// Number of photos of the class.
    pub support: usize,
}

/// Evaluates predictions. `class_names` is in the order of the logits.
///
/// # Errors
///
/// [`MetricsError::Empty`] without records; [`MetricsError::DuplicateClass`] when a name occurs
/// twice; [`MetricsError::UnknownLabel`], [`MetricsError::LogitCount`] or
/// [`MetricsError::NotFinite`], with the photo's path, for an invalid record.
pub fn evaluate(
    records: &[PredictionRecord],
    class_names: &[String],
) -> Result<Evaluation, MetricsError> {
    let true_classes = true_classes(records, class_names)?;
    let photos =
        || records.iter().map(|record| record.logits.as_slice()).zip(true_classes.iter().copied());

    let n = records.len();
    let matrix = confusion_matrix(
        photos().map(|(logits, true_class)| (true_class, argmax(logits))),
        class_names.len(),
    );
    let correct = (0..class_names.len()).map(|class| matrix[class][class]).sum();
    let top5 = (class_names.len() > 5).then(|| {
        Proportion::new(
            photos().filter(|&(logits, true_class)| in_top_k(logits, true_class, 5)).count(),
            n,
        )
    });
    let scores = class_scores(&matrix);
    Ok(Evaluation {
        n,
        correct,
        accuracy: Proportion::new(correct, n),
        top5,
        log_loss: mean_log_loss(photos()),
        macro_avg: macro_average(&matrix, &scores),
        weighted_avg: weighted_average(&scores),
        per_class: class_names
            .iter()
            .zip(scores)
            .map(|(name, scores)| ClassReport::new(name, scores))
            .collect(),
        confusion_matrix: matrix,
    })
}

impl ClassReport {
    fn new(name: &str, scores: ClassScores) -> Self {
        let ClassScores { precision, recall, f1, support } = scores;
        ClassReport { name: name.into(), precision, recall, f1, support }
    }
}

/// Returns the index of each photo's true class.
///
/// # Errors
///
/// As [`evaluate`].
pub fn true_classes(
    records: &[PredictionRecord],
    class_names: &[String],
) -> Result<Vec<usize>, MetricsError> {
    if records.is_empty() {
        return Err(MetricsError::Empty);
    }
    let mut index_of = HashMap::new();
    for (index, name) in class_names.iter().enumerate() {
        if index_of.insert(name.as_str(), index).is_some() {
            return Err(MetricsError::DuplicateClass { name: name.clone() });
        }
    }
    records
        .iter()
        .map(|record| {
            let path = || record.path.clone();
            if record.logits.len() != class_names.len() {
                return Err(MetricsError::LogitCount {
                    path: path(),
                    found: record.logits.len(),
                    expected: class_names.len(),
                });
            }
            if let Some(class) = record.logits.iter().position(|logit| !logit.is_finite()) {
                return Err(MetricsError::NotFinite {
                    path: path(),
                    class: class_names[class].clone(),
                    logit: record.logits[class],
                });
            }
            index_of.get(record.label.as_str()).copied().ok_or_else(|| MetricsError::UnknownLabel {
                path: path(),
                label: record.label.clone(),
                classes: class_names.len(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(label: &str, logits: &[f32]) -> PredictionRecord {
        PredictionRecord {
            path: "test/a/1.jpg".into(),
            label: label.into(),
            logits: logits.to_vec(),
        }
    }

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn predictions_that_cannot_be_believed_are_refused_by_name() {
        let twice = vec!["c0".to_string(), "c0".to_string()];
        for (records, classes, message) in [
            (vec![], names(2), "there are no predictions to evaluate"),
            (vec![record("c0", &[1.0, 0.0])], twice, "class `c0` is there twice"),
            (
                vec![record("cat", &[1.0, 0.0])],
                names(2),
                "test/a/1.jpg: its class `cat` is none of the 2 classes",
            ),
            (
                vec![record("c0", &[1.0])],
                names(2),
                "test/a/1.jpg: 1 logits, expected 2, one per class",
            ),
            (
                vec![record("c0", &[1.0, f32::NAN])],
                names(2),
                "test/a/1.jpg: the logit of class `c1` is NaN, expected a finite number",
            ),
        ] {
            assert_eq!(evaluate(&records, &classes).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn top_five_is_said_only_where_it_says_something() {
        for (classes, said) in [(2, false), (5, false), (6, true)] {
            let evaluation =
                evaluate(&[record("c0", &vec![0.0; classes])], &names(classes)).unwrap();
            assert_eq!(evaluation.top5.is_some(), said, "{classes} classes");
        }
    }

    #[test]
    fn the_order_of_the_photos_changes_no_count() {
        let mut records =
            vec![record("c0", &[1.0, 0.5]), record("c1", &[1.0, 0.0]), record("c1", &[-1.0, 0.0])];
        let forward = evaluate(&records, &names(2)).unwrap();
        records.reverse();
        let backward = evaluate(&records, &names(2)).unwrap();
        assert_eq!(forward.confusion_matrix, [[1, 0], [1, 1]]);
        assert_eq!(forward.confusion_matrix, backward.confusion_matrix);
        assert_eq!(forward.per_class, backward.per_class);
    }
}
