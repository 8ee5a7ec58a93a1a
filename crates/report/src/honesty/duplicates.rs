//! Copies of one picture: on both sides of the split, among the test photos, under two classes.

use std::collections::HashMap;

use kennel_core::{DuplicateKind, PhotoRecord, Split};

use super::check::{Check, Level};
use crate::{Commands, FinishedRun, Named};

/// A run with the groups of its photos that are copies of one picture.
struct Pictures<'a> {
    run: &'a FinishedRun,
    groups: Vec<Vec<&'a PhotoRecord>>,
}

/// Checks the runs' manifests for pictures that occur more than once.
pub fn checks(runs: &[FinishedRun], commands: &dyn Commands) -> Vec<Check> {
    let pictures: Vec<Pictures> = runs.iter().map(Pictures::of).collect();
    let prepare = commands.name(Named::Prepare);
    let [within_test, labels] = [within_test(&pictures), labels(&pictures, prepare)];
    [Some(across_splits(&pictures, prepare)), within_test, labels].into_iter().flatten().collect()
}

/// Checks for pictures that occur in several splits.
fn across_splits(pictures: &[Pictures], prepare: &str) -> Check {
    let check = |level, text| Check { title: "Duplicates across splits", level, text };
    let crosses =
        |group: &&Vec<&PhotoRecord>| group.iter().any(|photo| photo.split != group[0].split);
    let crossing = pictures.iter().find_map(|Pictures { run, groups }| {
        let mut crossing = groups.iter().filter(crosses);
        crossing.next().map(|example| (run, example, 1 + crossing.count()))
    });
    let Some((run, example, n)) = crossing else {
        return match pictures.iter().map(|of_run| of_run.groups.len()).max() {
            None | Some(0) => check(Level::Fine, "No picture is there twice.".into()),
            Some(n) => check(
                Level::Fine,
                format!(
                    "Pictures that are there twice or more ({n}) stand on one side of the split \
                     each."
                ),
            ),
        };
    };
    let meaning = match example.iter().any(|photo| photo.split == Split::Test) {
        true => "what was learned from one was tested on the other",
        false => "the epoch was chosen on a picture that was learned",
    };
    let paths: Vec<&str> = example.iter().map(|photo| photo.path.as_str()).collect();
    check(
        Level::Warning,
        format!(
            "Pictures on both sides of the split of {}: {n}. One is {}: {meaning}. Let `{prepare}` \
             divide the photos anew.",
            run.name(),
            paths.join(" and ")
        ),
    )
}

/// Checks for copies among the test photos. Each copy counts, although it adds no information.
fn within_test(pictures: &[Pictures]) -> Option<Check> {
    let tested =
        |group: &Vec<&PhotoRecord>| group.iter().filter(|p| p.split == Split::Test).count();
    let (n, copies) = pictures
        .iter()
        .map(|Pictures { run, groups }| {
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

/// Checks for the same picture under two classes. At most one of the labels is right.
fn labels(pictures: &[Pictures], prepare: &str) -> Option<Check> {
    let is_contradictory =
        |group: &&Vec<&PhotoRecord>| group.iter().any(|p| p.label != group[0].label);
    let contradictory: Vec<_> = pictures
        .iter()
        .map(|of_run| of_run.groups.iter().filter(is_contradictory).collect::<Vec<_>>())
        .max_by_key(Vec::len)?;
    let example = contradictory.first()?;
    let other = example.iter().find(|photo| photo.label != example[0].label)?;
    Some(Check {
        title: "Contradictory labels",
        level: Level::Warning,
        text: format!(
            "Pictures that stand under more than one class: {}. One is {} and {}. At most one of the labels is right: \
             correct them and let `{prepare}` divide the photos anew.",
            contradictory.len(),
            example[0].path,
            other.path
        ),
    })
}

impl<'a> Pictures<'a> {
    fn of(run: &'a FinishedRun) -> Self {
        let duplicates = &run.manifest.duplicates;
        if duplicates.is_empty() {
            return Pictures { run, groups: Vec::new() };
        }
        let by_path: HashMap<&str, &PhotoRecord> =
            run.manifest.photos.iter().map(|photo| (photo.path.as_str(), photo)).collect();
        let photos = |paths: &[String]| {
            paths.iter().filter_map(|path| by_path.get(path.as_str()).copied()).collect()
        };
        // Photos that only look alike are not copies.
        let claimed = duplicates.iter().filter(|group| group.kind != DuplicateKind::Alike);
        Pictures { run, groups: claimed.map(|group| photos(&group.paths)).collect() }
    }
}
