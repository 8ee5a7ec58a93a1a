//! Everything that an audit finds.

use kennel_metrics::Proportion;
use serde::{Deserialize, Serialize};

use crate::ambiguous::{Ambiguous, ambiguous};
use crate::class_pairs::{ClassPair, class_pairs};
use crate::confident_joint::confident_joint;
use crate::contradictions::{Contradiction, contradictions};
use crate::estimate::{Estimate, estimates};
use crate::label_issues::{is_predicted, label_issues};
use crate::outliers::{Outlier, outliers};
use crate::wrong_labels::{WrongLabel, wrong_labels};
use crate::{AuditError, JudgedPhotos};

/// What photos say about their labels. Each list has its worst entry first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Number of photos.
    pub photos: usize,
    /// Class names, in the order of all probabilities.
    pub class_names: Vec<String>,
    /// Photos whose label is the most probable class.
    pub as_labelled: Proportion,
    /// Estimated number of wrong labels.
    pub estimated_wrong: Estimate,
    /// The same by class, in the order of `class_names`.
    pub classes: Vec<ClassSummary>,
    /// Photos whose label is probably wrong.
    pub wrong_labels: Vec<WrongLabel>,
    /// Photos between their label and one other class.
    pub ambiguous: Vec<Ambiguous>,
    /// Photos unlike all others; none when there are no features.
    pub outliers: Option<Vec<Outlier>>,
    /// Pictures that are there under several classes.
    pub contradictions: Vec<Contradiction>,
    /// Classes that are taken for each other.
    pub class_pairs: Vec<ClassPair>,
}

/// The labels of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassSummary {
    /// Class name.
    pub name: String,
    /// Number of photos with this label.
    pub photos: usize,
    /// Number of them in the list of wrong labels.
    pub listed: usize,
    /// Estimated number of wrong labels among them.
    pub estimated_wrong: Estimate,
}

/// Audits the labels of photos.
///
/// # Errors
///
/// As [`JudgedPhotos::check`].
pub fn audit(judged: &JudgedPhotos) -> Result<Audit, AuditError> {
    judged.check()?;
    let joint = confident_joint(judged);
    let issues = label_issues(judged, &joint);
    let label_counts = judged.label_counts();
    let (estimates, estimated_wrong) = estimates(judged, &joint);
    let mut listed = vec![0; judged.classes()];
    for (photo, &is_issue) in judged.photos.iter().zip(&issues) {
        listed[photo.label] += usize::from(is_issue);
    }
    let classes = judged.class_names.iter().enumerate().map(|(class, name)| ClassSummary {
        name: name.clone(),
        photos: label_counts[class],
        listed: listed[class],
        estimated_wrong: estimates[class],
    });
    let as_labelled = judged.rows().filter(|&(label, row)| is_predicted(row, label)).count();
    Ok(Audit {
        photos: judged.photos.len(),
        class_names: judged.class_names.to_vec(),
        as_labelled: Proportion::new(as_labelled, judged.photos.len()),
        estimated_wrong,
        classes: classes.collect(),
        wrong_labels: wrong_labels(judged, &issues),
        ambiguous: ambiguous(judged, &issues),
        outliers: outliers(judged),
        contradictions: contradictions(judged),
        class_pairs: class_pairs(judged, &joint),
    })
}
