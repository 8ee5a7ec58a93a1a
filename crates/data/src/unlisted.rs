//! Files in a prepared folder that its manifest does not list.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kennel_core::{Manifest, files};

use crate::error::{DataError, Result};
use crate::litter::is_litter;

/// Returns the files under `folder` that `manifest` does not list, relative to it with `/`, sorted.
/// Ignores what file managers leave.
pub(crate) fn unlisted(folder: &Path, manifest: &Manifest) -> Result<Vec<String>> {
    let own = folder.join(Manifest::FILE_NAME);
    let known: HashSet<PathBuf> =
        manifest.photos.iter().map(|photo| folder.join(&photo.path)).collect();
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| DataError::io("read", folder)(error.into()))?;
        let is_known = entry.path() == own || known.contains(entry.path());
        if !entry.file_type().is_dir()
            && !is_known
            && !is_litter(&entry.file_name().to_string_lossy())
        {
            found.push(files::with_slashes(
                entry.path().strip_prefix(folder).unwrap_or(entry.path()),
            ));
        }
    }
    Ok(found)
}
