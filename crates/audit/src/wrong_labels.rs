//! The list of labels that are probably wrong.

use serde::{Deserialize, Serialize};

use crate::JudgedPhotos;
use crate::confident_joint::most_probable;

/// A photo whose label is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongLabel {
    /// Its path.
    pub path: String,
    /// Its label.
    pub label: String,
    /// The most probable class.
    pub suggested: String,
    /// Out-of-fold probability of its label.
    pub label_probability: f64,
    /// Out-of-fold probability of the suggested class.
    pub suggested_probability: f64,
    /// Out-of-fold probabilities of all classes.
    pub probabilities: Vec<f64>,
}

/// Describes the photos that `issues` marks. The least probable label comes first (cleanlab's
/// `self_confidence`, which ranks the labels swapped in TrashNet better than its
/// `normalized_margin`); equal probabilities keep the order of the photos.
pub(crate) fn wrong_labels(judged: &JudgedPhotos, issues: &[bool]) -> Vec<WrongLabel> {
    let mut found = Vec::new();
    for ((photo, (label, row)), &is_issue) in judged.photos.iter().zip(judged.rows()).zip(issues) {
        if is_issue {
            let suggested = most_probable(row);
            found.push(WrongLabel {
                path: photo.path.into(),
                label: judged.class_names[label].clone(),
                suggested: judged.class_names[suggested].clone(),
                label_probability: row[label],
                suggested_probability: row[suggested],
                probabilities: row.to_vec(),
            });
        }
    }
    found.sort_by(|a, b| a.label_probability.total_cmp(&b.label_probability));
    found
}
