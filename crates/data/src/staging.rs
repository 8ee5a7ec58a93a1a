//! Where an output is made: hidden, beside it, so that it can be renamed into its place; by one process at a time.

use std::path::{Path, PathBuf};

use kennel_core::{Lock, files};

use crate::error::{DataError, Result};

/// A folder that goes with this value.
pub(crate) struct Staging {
    folder: PathBuf,
    out: PathBuf,
    _lock: Lock,
}

impl Staging {
    /// Makes `.kennel-prepare-<name of out>` beside `out`, and the folders above it. What a process that was killed left there is
    /// put back or removed.
    ///
    /// # Errors
    ///
    /// [`DataError::OutputInUse`] while another process has it; a folder that cannot be made.
    pub fn beside(out: &Path, name: &str) -> Result<Self> {
        let parent = files::folder_of(out);
        std::fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
        let folder = parent.join(format!(".kennel-prepare-{name}"));
        let lock = parent.join(format!(".kennel-prepare-{name}.lock"));
        let lock = Lock::try_acquire(&lock)
            .map_err(DataError::io("write to", parent))?
            .ok_or_else(|| DataError::OutputInUse { path: out.into() })?;
        let staging = Self { folder, out: out.into(), _lock: lock };
        staging.clear().map_err(DataError::io("replace", &staging.folder))?;
        std::fs::create_dir(&staging.folder).map_err(DataError::io("write to", parent))?;
        Ok(staging)
    }

    /// Removes it; an output that was moved aside and has no successor goes back first.
    fn clear(&self) -> std::io::Result<()> {
        if self.old().exists() && !self.out.exists() {
            std::fs::rename(self.old(), &self.out)?;
        }
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the new output is built.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Where the old output waits until the new one is in its place; without a new one it goes back.
    pub fn old(&self) -> PathBuf {
        self.folder.join("old")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is removed by the next.
        let _ = self.clear();
    }
}
