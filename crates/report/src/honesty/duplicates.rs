//! The same picture more than once: on both sides of the split, among the test photos, under two classes.

use std::collections::HashMap;

use kennel_core::{PhotoRecord, Split};

use super::{Check, Level};
use crate::FinishedRun;

/// Pictures that stand in several splits, by the manifests of the runs.
pub fn across_splits(runs: &[FinishedRun]) -> Check {
    let check = |level, text| Check { title: "Duplicates across splits", level, text };
    let groups = |run: &'_ FinishedRun| run.manifest.duplicates.len();
    let crossing = runs.iter().find_map(|run| {
        let mut crossing = run.manifest.duplicates.iter().filter(|group| group.crosses_splits);
        crossing.next().map(|example| (run, example, 1 + crossing.count()))
    });
    let Some((run, example, n)) = crossing else {
        return match runs.iter().map(groups).max() {
            None | Some(0) => check(Level::Fine, "No picture is there twice.".into()),
            Some(n) => check(
                Level::Fine,
                format!("Pictures that are there twice or more ({n}) stand on one side of the split each."),
            ),
        };
    };
    let is_tested = run
        .manifest
        .photos
        .iter()
        .any(|photo| photo.split == Split::Test && example.paths.contains(&photo.path));
    let meaning = match is_tested {
        true => "what was learned from one was tested on the other",
        false => "the epoch was chosen on a picture that was learned",
    };
    check(
        Level::Warning,
        format!(
            "Pictures on both sides of the split of {}: {n}. One is {}: {meaning}. Let `kennel prepare` divide the photos anew.",
            run.name(),
            example.paths.join(" and ")
        ),
    )
}

/// Copies among the test photos: each counts, though it says no more than the first.
pub fn within_test(runs: &[FinishedRun]) -> Option<Check> {
    let (n, copies) = runs
        .iter()
        .map(|run| {
            let groups = groups(run);
            let tested = |group: &Vec<&PhotoRecord>| group.iter().filter(|p| p.split == Split::Test).count();
            let copies: usize = groups.iter().map(|group| tested(group).saturating_sub(1)).sum();
            (run.manifest.counts(None).of(Split::Test), copies)
        })
        .max_by_key(|&(_, copies)| copies)
        .filter(|&(_, copies)| copies > 0)?;
    Some(Check {
        title: "Copies among the test photos",
        level: Level::Note,
        text: format!(
            "{copies} of the {n} test photos {} of another, so only {} are different pictures. Intervals and p \
             count every one as a photo of its own: the intervals should be wider, and p may be too small.",
            if copies == 1 { "is a copy" } else { "are copies" },
            n - copies
        ),
    })
}

/// The same picture under two classes: at most one of the labels is right.
pub fn labels(runs: &[FinishedRun]) -> Option<Check> {
    let contradictory: Vec<Vec<&PhotoRecord>> = runs
        .iter()
        .map(|run| {
            groups(run).into_iter().filter(|group| group.iter().any(|p| p.label != group[0].label)).collect()
        })
        .max_by_key(Vec::len)?;
    let example = contradictory.first()?;
    let other = example.iter().find(|photo| photo.label != example[0].label)?;
    Some(Check {
        title: "Contradictory labels",
        level: Level::Warning,
        text: format!(
            "Pictures that stand under more than one class: {}. One is {} and {}. At most one of the labels is right: \
             correct them and let `kennel prepare` divide the photos anew.",
            contradictory.len(),
            example[0].path,
            other.path
        ),
    })
}

/// The photos of every group of duplicates.
fn groups(run: &FinishedRun) -> Vec<Vec<&PhotoRecord>> {
    let by_path: HashMap<&str, &PhotoRecord> =
        run.manifest.photos.iter().map(|photo| (photo.path.as_str(), photo)).collect();
    let of_group =
        |paths: &[String]| paths.iter().filter_map(|path| by_path.get(path.as_str()).copied()).collect();
    run.manifest.duplicates.iter().map(|group| of_group(&group.paths)).collect()
}
