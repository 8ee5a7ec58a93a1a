//! Whether the photos that the figures show are still there.

use std::collections::BTreeSet;
use std::path::Path;

use kennel_core::Split;

use super::check::{Check, Level};
use crate::{Commands, FinishedRun, Named};

/// The title of this check.
pub const PICTURES: &str = "Pictures";

/// Notes test photos that are gone, once per data set. (The figures check the digest of those that
/// are there when they draw them.)
pub fn checks(runs: &[FinishedRun], commands: &dyn Commands) -> Vec<Check> {
    let mut seen = BTreeSet::new();
    let mut of_run = |run: &FinishedRun| {
        let folder = Path::new(&run.settings().data_dir);
        let test: Vec<_> =
            run.manifest.photos.iter().filter(|photo| photo.split == Split::Test).collect();
        let gone = test.iter().filter(|photo| !folder.join(&photo.path).is_file()).count();
        if gone == 0 || !seen.insert(run.settings().data_dir.clone()) {
            return None;
        }
        let (of, data) = (test.len(), folder.display());
        let text = match folder.is_relative() && !folder.exists() {
            true => format!(
                "There is no {data} in this folder: the numbers stand, the figures show no photos; `{}` where the runs were \
                 trained shows them.",
                commands.name(Named::Report)
            ),
            false => format!(
                "{gone} of {of} test photos are no longer in {data}: the numbers stand, the \
                 figures that show photos are without them."
            ),
        };
        Some(Check { title: PICTURES, level: Level::Note, text })
    };
    runs.iter().filter_map(&mut of_run).collect()
}
