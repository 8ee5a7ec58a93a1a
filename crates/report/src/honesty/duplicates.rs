//! Copies of one picture: on both sides of the split, among the test photos, under two classes.

use std::collections::HashMap;

use kennel_core::{DuplicateKind, PhotoRecord, Split};

use super::check::{Check, CheckKind, Level};
use crate::words::Words;
use crate::{Commands, FinishedRun, Named};

/// A run with the groups of its photos that are copies of one picture.
struct Pictures<'a> {
    run: &'a FinishedRun,
    groups: Vec<Vec<&'a PhotoRecord>>,
}

/// Checks the runs' manifests for pictures that occur more than once.
pub fn checks(runs: &[FinishedRun], commands: &dyn Commands, words: Words) -> Vec<Check> {
    let pictures: Vec<Pictures> = runs.iter().map(Pictures::of).collect();
    let prepare = commands.name(Named::Prepare);
    let across = across_splits(&pictures, prepare, words);
    let (within, labels) = (within_test(&pictures, words), labels(&pictures, prepare, words));
    [Some(across), within, labels].into_iter().flatten().collect()
}

/// Checks for pictures that occur in several splits.
fn across_splits(pictures: &[Pictures], prepare: &str, words: Words) -> Check {
    let check = |level, text| Check::new(words, CheckKind::Duplicates, level, text);
    let crosses =
        |group: &&Vec<&PhotoRecord>| group.iter().any(|photo| photo.split != group[0].split);
    let crossing = pictures.iter().find_map(|Pictures { run, groups }| {
        let mut crossing = groups.iter().filter(crosses);
        crossing.next().map(|example| (run, example, 1 + crossing.count()))
    });
    let Some((run, example, n)) = crossing else {
        let text = match pictures.iter().map(|of_run| of_run.groups.len()).max() {
            None | Some(0) => words.no_duplicates(),
            Some(groups) => words.duplicates_apart(groups),
        };
        return check(Level::Fine, text);
    };
    let is_tested = example.iter().any(|photo| photo.split == Split::Test);
    let paths: Vec<&str> = example.iter().map(|photo| photo.path.as_str()).collect();
    let text = words.duplicates_across(&run.name(), n, &paths, is_tested, prepare);
    check(Level::Warning, text)
}

/// Checks for copies among the test photos. Each copy counts, although it adds no information.
fn within_test(pictures: &[Pictures], words: Words) -> Option<Check> {
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
    Some(Check::new(words, CheckKind::TestCopies, Level::Note, words.test_copies(copies, n)))
}

/// Checks for the same picture under two classes. At most one of the labels is right.
fn labels(pictures: &[Pictures], prepare: &str, words: Words) -> Option<Check> {
    let is_contradictory =
        |group: &&Vec<&PhotoRecord>| group.iter().any(|p| p.label != group[0].label);
    let contradictory: Vec<_> = pictures
        .iter()
        .map(|of_run| of_run.groups.iter().filter(is_contradictory).collect::<Vec<_>>())
        .max_by_key(Vec::len)?;
    let example = contradictory.first()?;
    let other = example.iter().find(|photo| photo.label != example[0].label)?;
    let paths = [&*example[0].path, &*other.path];
    let text = words.contradictory_labels(contradictory.len(), paths, prepare);
    Some(Check::new(words, CheckKind::Labels, Level::Warning, text))
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
