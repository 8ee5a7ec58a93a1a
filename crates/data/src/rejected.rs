//! Files that are left out, summed up.

use std::collections::HashMap;

use kennel_core::RejectedPhoto;

use crate::error::LeftOut;
use crate::litter::{HIDDEN, NOT_IN_A_CLASS, OF_THE_SYSTEM};

/// Counts the files that were left out, and finds one with the most common reason.
pub fn of_rejected(rejected: &[RejectedPhoto]) -> Option<LeftOut> {
    let first = rejected.first()?;
    // Hidden files, system files and files beside the class folders are seldom photos: their
    // reasons count last.
    let no_photos = [HIDDEN, OF_THE_SYSTEM, NOT_IN_A_CLASS];
    let is_photo = |photo: &&RejectedPhoto| !no_photos.contains(&photo.reason.as_str());
    let mut counts: HashMap<&str, usize> = HashMap::new();
    rejected.iter().for_each(|photo| *counts.entry(&photo.reason).or_default() += 1);
    // Of equally common reasons, take the first.
    let by_count = |photo: &&RejectedPhoto| counts[photo.reason.as_str()];
    let commonest = rejected.iter().rev().filter(is_photo).max_by_key(by_count).unwrap_or(first);
    Some(LeftOut { files: rejected.len(), example: commonest.clone() })
}
