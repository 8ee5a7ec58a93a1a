//! Which labels are probably wrong.

use crate::JudgedPhotos;
use crate::confident_joint::{ConfidentJoint, most_probable};

/// By how much another class must be more probable than the label: cleanlab's tolerance.
const TOLERANCE: f64 = 1e-6;
/// Photos of a class that are never listed, so that no class is listed whole.
const KEPT_OF_CLASS: usize = 1;

/// Returns whether the label of each photo is probably wrong: of every class as many photos as the
/// calibrated joint counts under other classes, those whose label has the lowest probability. Never
/// lists a photo whose label is the most probable class.
///
/// Source: Northcutt, Jiang and Chuang 2021, section 3.2, "prune by class"; `find_label_issues` of
/// cleanlab 2.9 with `filter_by="prune_by_class"`. cleanlab's default, `prune_by_noise_rate`, found
/// fewer of the labels that were swapped in TrashNet (docs/benchmarks.md). Of photos with equal
/// probabilities the first is listed; cleanlab leaves the choice to numpy's unstable sort.
pub fn label_issues(judged: &JudgedPhotos, joint: &ConfidentJoint) -> Vec<bool> {
    let mut photos_of = vec![Vec::new(); judged.classes()];
    judged.photos.iter().enumerate().for_each(|(at, photo)| photos_of[photo.label].push(at));
    let mut issues = vec![false; judged.photos.len()];
    for (label, mut photos) in photos_of.into_iter().enumerate() {
        let kept = joint.calibrated[label][label].max(KEPT_OF_CLASS);
        let count = photos.len().saturating_sub(kept);
        let probability = |photo: usize| judged.row(photo)[label];
        photos.sort_by(|&a, &b| probability(a).total_cmp(&probability(b)));
        photos.iter().take(count).for_each(|&photo| issues[photo] = true);
    }
    for (is_issue, (label, row)) in issues.iter_mut().zip(judged.rows()) {
        *is_issue &= !is_predicted(row, label);
    }
    issues
}

/// Whether the label is the most probable class, or as good as that.
pub(crate) fn is_predicted(row: &[f64], label: usize) -> bool {
    row[label] + TOLERANCE > row[most_probable(row)]
}
