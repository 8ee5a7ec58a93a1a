//! Heat maps of photos, which a run may hold.

use std::path::PathBuf;

use kennel_core::{RunDir, Split};

/// Returns the picture that shows where a run's network looked in a photo. `None` if the run holds
/// none: a report reads files and never runs a network (ADR 7).
pub fn heat_map(run: &RunDir, split: Split, path: &str) -> Option<PathBuf> {
    run.heat_map(split, path).filter(|file| file.is_file())
}
