//! Where an output is made: hidden, beside it, so that it can be renamed into its place; by one process at a time.

use std::path::{Path, PathBuf};

use kennel_core::Lock;

use crate::error::{DataError, Result};

/// A folder that is removed when this value is dropped.
pub(crate) struct Staging {
    folder: PathBuf,
    out: PathBuf,
    _lock: Lock,
    /// After the lock, whose file lies in one of them.
    _made: Made,
}

/// The folders above an output that were made for it, the innermost first: those that stay empty go again.
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in &self.0 {
            // One that holds something stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl Staging {
    /// Makes `.kennel-prepare-<name of out>` beside `out`, and the folders above it. What a process that was killed left there is
    /// put back or removed. `out` is canonical, but for what is not there yet.
    ///
    /// # Errors
    ///
    /// [`DataError::OutputInUse`] while another process has it; [`DataError::OutputNotOurs`] for a root; a folder that cannot be made.
    pub fn beside(out: &Path) -> Result<Self> {
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(DataError::OutputNotOurs { path: out.into() });
        };
        let made =
            Made(parent.ancestors().take_while(|above| !above.exists()).map(Path::to_path_buf).collect());
        std::fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
        let hidden = format!(".kennel-prepare-{}", name.to_string_lossy());
        let lock = Lock::try_acquire(&parent.join(format!("{hidden}.lock")))
            .map_err(DataError::io("write to", parent))?
            .ok_or_else(|| DataError::OutputInUse { path: out.into() })?;
        if !lock.is_held() {
            // Nobody knows who else is at work: each has a folder of its own.
            let folder = tempfile::Builder::new().prefix(&format!("{hidden}-")).tempdir_in(parent);
            let folder = folder.map_err(DataError::io("write to", parent))?.keep();
            return Ok(Self { folder, out: out.into(), _lock: lock, _made: made });
        }
        let staging = Self { folder: parent.join(hidden), out: out.into(), _lock: lock, _made: made };
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
        // What stays is put back or removed by the next.
        let _ = self.clear();
    }
}
