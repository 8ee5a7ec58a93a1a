//! Whether the photos that the figures show are still there.

use std::collections::BTreeSet;
use std::path::Path;

use kennel_core::Split;

use super::check::{Check, CheckKind, Level};
use crate::words::Words;
use crate::{Commands, FinishedRun, Named};

/// Notes test photos that are gone, once per data set. (The figures check the digest of those that
/// are there when they draw them.)
pub fn checks(runs: &[FinishedRun], commands: &dyn Commands, words: Words) -> Vec<Check> {
    let mut seen = BTreeSet::new();
    let mut of_run = |run: &FinishedRun| {
        let folder = Path::new(&run.settings().data_dir);
        let test: Vec<_> =
            run.manifest.photos.iter().filter(|photo| photo.split == Split::Test).collect();
        let gone = test.iter().filter(|photo| !folder.join(&photo.path).is_file()).count();
        if gone == 0 || !seen.insert(run.settings().data_dir.clone()) {
            return None;
        }
        let (of, data) = (test.len(), folder.display().to_string());
        let text = match folder.is_relative() && !folder.exists() {
            true => words.no_folder(&data, commands.name(Named::Report)),
            false => words.photos_gone(gone, of, &data),
        };
        Some(Check::new(words, CheckKind::Pictures, Level::Note, text))
    };
    runs.iter().filter_map(&mut of_run).collect()
}
