//! Whether the weights were pretrained on the test photos.

use kennel_core::{Split, imagenet};
use serde::Serialize;

use super::check::{Check, CheckKind, Level};
use crate::FinishedRun;
use crate::words::Words;

/// Evidence on whether the pretrained network has seen the test photos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Test photos (validation photos if there are none) with names like ImageNet's own.
    pub imagenet_names: usize,
    /// Number of these photos in all.
    pub photos: usize,
    /// Classes that ImageNet has, by their names.
    pub imagenet_classes: Vec<String>,
}

/// Looks for ImageNet's names among the photos and classes of a run. Returns `None` if its weights
/// were not pretrained.
pub fn overlap(run: &FinishedRun) -> Option<Overlap> {
    run.settings().weights.pretrained()?;
    let of = |split: Split| run.manifest.photos.iter().filter(move |photo| photo.split == split);
    let split = if of(Split::Test).next().is_some() { Split::Test } else { Split::Val };
    let classes = run.facts().class_names.iter();
    Some(Overlap {
        imagenet_names: imagenet::pretraining_overlap(of(split).map(|photo| &photo.path)),
        photos: of(split).count(),
        imagenet_classes: classes
            .filter(|name| imagenet::is_name_of_class(name))
            .cloned()
            .collect(),
    })
}

pub fn checks(runs: &[FinishedRun], words: Words) -> Vec<Check> {
    let (pretraining, own) = (pretraining(runs, words), own(runs, words));
    // Drop a `Fine` of the pretraining check when the other check has something to say.
    let is_said = |check: &Check| own.is_none() || check.level != Level::Fine;
    Some(pretraining).filter(is_said).into_iter().chain(own).collect()
}

/// Checks for weights that Kennel itself fine-tuned. A run whose weights may have seen these photos
/// goes before one whose weights were trained on other classes.
fn own(runs: &[FinishedRun], words: Words) -> Option<Check> {
    let began = || runs.iter().filter_map(|run| Some((run, run.facts().weights_run.as_ref()?)));
    let is_of_others = |run: &FinishedRun| run.facts().weights_shared_classes == Some(0);
    let check = |level, text| Check::new(words, CheckKind::Overlap, level, text);
    match began().find(|(run, _)| !is_of_others(run)) {
        Some((run, weights_run)) => {
            Some(check(Level::Warning, words.own_weights(&run.name(), weights_run)))
        }
        None => began().next().map(|(run, weights_run)| {
            check(Level::Note, words.own_weights_of_others(&run.name(), weights_run))
        }),
    }
}

fn pretraining(runs: &[FinishedRun], words: Words) -> Check {
    let check = |level, text| Check::new(words, CheckKind::Overlap, level, text);
    let Some(Overlap { imagenet_names, photos, imagenet_classes }) = runs.iter().find_map(overlap)
    else {
        return check(Level::Fine, words.nothing_pretrained());
    };
    if imagenet_names > 0 {
        return check(Level::Warning, words.imagenet_names(imagenet_names, photos));
    }
    if !imagenet_classes.is_empty() {
        return check(Level::Warning, words.imagenet_classes(&imagenet_classes.join(", ")));
    }
    check(Level::Fine, words.no_overlap_seen())
}
