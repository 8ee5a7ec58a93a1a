//! Files that are left out, in words.

use std::collections::HashMap;

use kennel_core::RejectedPhoto;

use crate::litter::{HIDDEN, NOT_IN_A_CLASS, OF_THE_SYSTEM};

/// Says how many files were left out, and the most common reason.
pub fn of_rejected(rejected: &[RejectedPhoto]) -> String {
    match rejected {
        [] => "no file was left out".into(),
        [one] => format!("{} cannot be used: {}", one.path, one.reason),
        [first, ..] => {
            // Hidden files, system files and files beside the class folders are seldom photos:
            // their reasons count last.
            let no_photos = [HIDDEN, OF_THE_SYSTEM, NOT_IN_A_CLASS];
            let is_photo = |photo: &&RejectedPhoto| !no_photos.contains(&photo.reason.as_str());
            let mut counts: HashMap<&str, usize> = HashMap::new();
            rejected.iter().for_each(|photo| *counts.entry(&photo.reason).or_default() += 1);
            // Of equally common reasons, take the first.
            let by_count = |photo: &&RejectedPhoto| counts[photo.reason.as_str()];
            let commonest = rejected.iter().rev().filter(is_photo).max_by_key(by_count).unwrap_or(first);
            format!(
                "{} files cannot be used, among them {}: {}",
                rejected.len(),
                commonest.path,
                commonest.reason
            )
        }
    }
}
