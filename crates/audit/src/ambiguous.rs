//! Photos between two classes.

use serde::{Deserialize, Serialize};

use crate::JudgedPhotos;

/// Largest difference between the probabilities of the two classes of an ambiguous photo. At 0.1
/// the odds are at most 55 to 45 when no other class takes part.
pub const AMBIGUOUS_MARGIN: f64 = 0.1;
/// Smallest sum of the two probabilities. Below it the network is unsure about the photo as a
/// whole, not between two classes.
pub const AMBIGUOUS_SHARE: f64 = 0.8;

/// A photo between its label and one other class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ambiguous {
    /// Its path.
    pub path: String,
    /// Its label.
    pub label: String,
    /// The other class.
    pub other: String,
    /// Out-of-fold probability of its label.
    pub label_probability: f64,
    /// Out-of-fold probability of the other class.
    pub other_probability: f64,
}

/// Lists photos whose label and one other class are nearly equally probable, and together take
/// nearly everything. Leaves out photos in `issues`. The closest come first.
pub(crate) fn ambiguous(judged: &JudgedPhotos, issues: &[bool]) -> Vec<Ambiguous> {
    let mut found: Vec<Ambiguous> = Vec::new();
    for ((photo, (label, row)), &is_issue) in judged.photos.iter().zip(judged.rows()).zip(issues) {
        let other = likeliest_other(row, label);
        let (mine, others) = (row[label], row[other]);
        let is_between =
            (mine - others).abs() <= AMBIGUOUS_MARGIN && mine + others >= AMBIGUOUS_SHARE;
        if is_between && !is_issue {
            found.push(Ambiguous {
                path: photo.path.into(),
                label: judged.class_names[label].clone(),
                other: judged.class_names[other].clone(),
                label_probability: mine,
                other_probability: others,
            });
        }
    }
    let margin = |photo: &Ambiguous| (photo.label_probability - photo.other_probability).abs();
    found.sort_by(|a, b| margin(a).total_cmp(&margin(b)));
    found
}

/// Returns the most probable class besides `label`, the first of equals.
fn likeliest_other(row: &[f64], label: usize) -> usize {
    let others = (0..row.len()).filter(|&class| class != label);
    others.reduce(|best, class| if row[class] > row[best] { class } else { best }).unwrap_or(label)
}
