//! Renders an evaluation in scikit-learn's layout.

use kennel_core::{kept_in_place, shown};
use kennel_metrics::{ClassScores, Evaluation};

/// Renders precision, recall, F1 and support by class, accuracy and means, with exactly the layout
/// of `sklearn.metrics.classification_report(zero_division=0)` (scikit-learn 1.9).
///
/// Differs: control characters in a class's name are escaped (`\n`), and a name with right-to-left
/// characters is put between two direction marks.
pub fn render_classification_report(evaluation: &Evaluation) -> String {
    const WEIGHTED: &str = "weighted avg";
    let names: Vec<String> = evaluation.per_class.iter().map(|class| shown(&class.name)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let width = longest.max(WEIGHTED.len());
    let scores = |name: &str, precision: f64, recall: f64, f1: f64, support: usize| {
        let name = kept_in_place(&format!("{name:>width$}"));
        format!("{name}  {precision:>9.2} {recall:>9.2} {f1:>9.2} {support:>9}\n")
    };
    let mut text = format!(
        "{:>width$}  {:>9} {:>9} {:>9} {:>9}\n\n",
        "", "precision", "recall", "f1-score", "support"
    );
    for (name, class) in names.iter().zip(&evaluation.per_class) {
        text += &scores(name, class.precision, class.recall, class.f1, class.support);
    }
    let Evaluation { accuracy, n, .. } = evaluation;
    text +=
        &format!("\n{:>width$}  {:>9} {:>9} {:>9.2} {n:>9}\n", "accuracy", "", "", accuracy.value);
    for (name, mean) in [("macro avg", &evaluation.macro_avg), (WEIGHTED, &evaluation.weighted_avg)]
    {
        let ClassScores { precision, recall, f1, support } = *mean;
        text += &scores(name, precision, recall, f1, support);
    }
    text
}

#[cfg(test)]
mod tests {
    use kennel_core::PredictionRecord;
    use kennel_metrics::evaluate;

    use super::*;

    /// The report on one photo for each true class with its logits.
    fn rendered(class_names: &[String], photos: &[(usize, [f32; 2])]) -> String {
        let record = |&(label, logits): &(usize, [f32; 2])| PredictionRecord {
            path: "p".into(),
            label: class_names[label].clone(),
            logits: logits.to_vec(),
        };
        let records: Vec<PredictionRecord> = photos.iter().map(record).collect();
        render_classification_report(&evaluate(&records, class_names).unwrap())
    }

    #[test]
    fn the_layout_is_that_of_scikit_learn() {
        let class_names = ["a".to_string(), "a long\nclass name".to_string()];
        let text = rendered(&class_names, &[(0, [1.0, 0.0]), (0, [0.0, 1.0]), (1, [0.0, 1.0])]);
        let expected = "                    precision    recall  f1-score   support

                 a       1.00      0.50      0.67         2
a long\\nclass name       0.50      1.00      0.67         1

          accuracy                           0.67         3
         macro avg       0.75      0.75      0.67         3
      weighted avg       0.83      0.67      0.67         3
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn a_name_that_reads_from_right_to_left_stands_between_marks() {
        let class_names = ["\u{628}\u{648}\u{62f}\u{644}".to_string(), "boxer".to_string()];
        let text = rendered(&class_names, &[(0, [2.0, 0.0]), (1, [0.0, 2.0])]);
        assert!(text.contains("\u{644}\u{200e}       1.00"), "{text}");
    }
}
