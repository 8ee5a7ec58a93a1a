//! The staging folder of an output: hidden, and beside the output, so that the result can be
//! renamed into place. One process at a time uses it.

use std::path::{Path, PathBuf};

use kennel_core::Lock;

use crate::error::{DataError, Result};

/// A folder that is removed when this value is dropped.
pub(crate) struct Staging {
    folder: PathBuf,
    out: PathBuf,
    _lock: Lock,
    /// Dropped after the lock, whose file lies in one of these folders.
    _made: Made,
}

/// The folders above an output that were made for it, innermost first. Those that stay empty are
/// removed.
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in &self.0 {
            // A folder that holds something stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl Staging {
    /// Makes `.kennel-prepare-<name of out>` beside `out`, and the folders above it. Restores or
    /// removes what a killed process left there. `out` is canonical, except for parts that do not
    /// exist yet.
    ///
    /// # Errors
    ///
    /// [`DataError::OutputInUse`] while another process holds the folder;
    /// [`DataError::OutputNotOurs`] for a file-system root; a folder that cannot be made.
    pub fn beside(out: &Path) -> Result<Self> {
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(DataError::OutputNotOurs { path: out.into() });
        };
        let made = Made(
            parent.ancestors().take_while(|above| !above.exists()).map(Path::to_path_buf).collect(),
        );
        std::fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
        let hidden = format!(".kennel-prepare-{}", name.to_string_lossy());
        let lock = Lock::try_acquire(&parent.join(format!("{hidden}.lock")))
            .map_err(DataError::io("write to", parent))?
            .ok_or_else(|| DataError::OutputInUse { path: out.into() })?;
        if !lock.is_held() {
            // Without a lock, another process may be at work: use a folder with a unique name.
            let folder = tempfile::Builder::new().prefix(&format!("{hidden}-")).tempdir_in(parent);
            let folder = folder.map_err(DataError::io("write to", parent))?.keep();
            return Ok(Self { folder, out: out.into(), _lock: lock, _made: made });
        }
        let staging =
            Self { folder: parent.join(hidden), out: out.into(), _lock: lock, _made: made };
        staging.clear().map_err(DataError::io("replace", &staging.folder))?;
        std::fs::create_dir(&staging.folder).map_err(DataError::io("write to", parent))?;
        Ok(staging)
    }

    /// Removes the folder. Before, moves an old output back if no new one is in its place.
    fn clear(&self) -> std::io::Result<()> {
        if self.old().exists() && !self.out.exists() {
            std::fs::rename(self.old(), &self.out)?;
        }
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns where the new output is built.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Returns where the old output waits until the new one is in place. Without a new one, it
    /// moves back.
    pub fn old(&self) -> PathBuf {
        self.folder.join("old")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next process restores or removes what remains.
        let _ = self.clear();
    }
}
