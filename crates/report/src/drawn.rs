//! What a run may hold that a network drew. A report reads files and never runs a network (ADR 7).

use std::path::PathBuf;

use kennel_atlas::Map;
use kennel_core::{RunDir, Split, files};

/// Returns the picture that shows where a run's network looked in a photo. `None` if the run holds
/// none.
pub fn heat_map(run: &RunDir, split: Split, path: &str) -> Option<PathBuf> {
    run.heat_map(split, path).filter(|file| file.is_file())
}

/// Returns the map of the photos that a run holds. `None` if it holds none, or a damaged one, which
/// can be drawn again.
pub fn photo_map_of(run: &RunDir) -> Option<Map> {
    let text = files::read_text(&run.photo_map()).ok()?;
    serde_json::from_str(&text).ok()
}
