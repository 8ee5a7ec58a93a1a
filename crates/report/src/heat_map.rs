//! Heat maps of photos, which a run may hold.

use std::path::PathBuf;

use kennel_core::{RunDir, Split, files};

/// Folder of the heat maps in a run directory.
const FOLDER: &str = "heat_maps";

/// Returns the picture that shows where a run's network looked in a photo, as
/// `heat_maps/<split>/<path of the photo>.png` in the run directory. `None` if the run holds none:
/// a report reads files and never runs a network (ADR 7).
pub fn heat_map(run: &RunDir, split: Split, path: &str) -> Option<PathBuf> {
    if !files::stays_inside(path) {
        return None;
    }
    let file = run.path().join(FOLDER).join(split.as_str()).join(format!("{path}.png"));
    file.is_file().then_some(file)
}
