//! Whether the weights were pretrained on the test photos.

use kennel_core::{Split, imagenet};
use serde::Serialize;

use super::check::{Check, Level};
use crate::FinishedRun;

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

const TITLE: &str = "Pretraining overlap";

pub fn checks(runs: &[FinishedRun]) -> Vec<Check> {
    let (pretraining, own) = (pretraining(runs), own(runs));
    // Drop a `Fine` of the pretraining check when the other check has something to say.
    let is_said = |check: &Check| own.is_none() || check.level != Level::Fine;
    Some(pretraining).filter(is_said).into_iter().chain(own).collect()
}

/// Checks for weights that Kennel itself fine-tuned. A run whose weights may have seen these photos
/// goes before one whose weights were trained on other classes.
fn own(runs: &[FinishedRun]) -> Option<Check> {
    let began = || runs.iter().filter_map(|run| Some((run, run.facts().weights_run.as_ref()?)));
    let is_of_others = |run: &FinishedRun| run.facts().weights_shared_classes == Some(0);
    let Some((run, weights_run)) = began().find(|(run, _)| !is_of_others(run)) else {
        return began().next().map(|(run, weights_run)| Check {
            title: TITLE,
            level: Level::Note,
            text: format!(
                "{} began with weights that Kennel had fine-tuned (run {weights_run}) on other classes than these: it has learned from these \
                 photos only if they were among that run's under other names.",
                run.name()
            ),
        });
    };
    Some(Check {
        title: TITLE,
        level: Level::Warning,
        text: format!(
            "{} began with weights that Kennel had fine-tuned (run {weights_run}). Where that run learned from these test photos, or was \
             chosen by them, every accuracy here is higher than it would be on new ones: divide the photos as it did, with \
             the same seed, or measure on others.",
            run.name()
        ),
    })
}

fn pretraining(runs: &[FinishedRun]) -> Check {
    let check = |level, text| Check { title: TITLE, level, text };
    let Some(Overlap { imagenet_names, photos, imagenet_classes }) = runs.iter().find_map(overlap)
    else {
        return check(Level::Fine, "Nothing was pretrained.".into());
    };
    if imagenet_names > 0 {
        return check(
            Level::Warning,
            format!(
                "{imagenet_names} of {photos} photos are named like ImageNet's own training photos (n########_#####). Weights that \
                 were pretrained on ImageNet have most likely learned from these very photos, so every accuracy here is higher \
                 than it would be on new ones. Compare runs with each other, and measure on photos of your own."
            ),
        );
    }
    if !imagenet_classes.is_empty() {
        return check(
            Level::Warning,
            format!(
                "Classes of ImageNet, by their names: {}. Weights that were pretrained on it have learned to tell such classes from \
                 others, and may have seen these photos: good numbers are to be expected, and say little about classes that \
                 ImageNet does not have.",
                imagenet_classes.join(", ")
            ),
        );
    }
    check(
        Level::Fine,
        "Neither file names nor class names say that the weights were pretrained on these photos. Weights that come from \
         elsewhere may know them all the same: nothing here can tell."
            .into(),
    )
}
