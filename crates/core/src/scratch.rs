//! Temporary files and folders that are removed after their process ends, however it ends.
//!
//! The owner holds a lock of the operating system on each (`flock`, on folders too). The lock ends
//! with its process. So a process that can take the lock of a temporary file knows that it has no
//! owner, and removes it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use crate::{CoreError, Result};

/// Prefix of every temporary file that is being written.
pub const WRITING: &str = ".writing-";

/// How many times to try a new name when another process removes the file before it is locked.
const TRIES: usize = 16;

/// A temporary folder, removed when the value is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _owned: Option<File>,
}

impl Scratch {
    /// Makes `<parent>/<prefix>…`, and removes such folders left by processes that have ended.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when `parent` is not writable.
    pub fn new_in(parent: &Path, prefix: &str) -> Result<Self> {
        clear_abandoned(parent, prefix);
        let made = owned(|| {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            let handle = open_folder(folder.path());
            Ok((folder, handle))
        });
        let (folder, _owned) = made.map_err(CoreError::io("write", parent))?;
        Ok(Self { folder, _owned })
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a temporary file in `folder`. Other processes do not remove it while this process lives.
///
/// # Errors
///
/// An error of the file system.
pub fn file_in(folder: &Path, builder: &tempfile::Builder) -> io::Result<NamedTempFile> {
    let made = owned(|| {
        let file = builder.tempfile_in(folder)?;
        // Without this handle the file would be unlocked, and another process could remove it.
        let handle = file.as_file().try_clone()?;
        Ok((file, Some(handle)))
    })?;
    Ok(made.0)
}

/// Removes files and folders in `folder` that begin with `prefix` and whose process has ended.
/// Keeps all of them where the file system does not support locks. Ignores what cannot be removed:
/// the next call tries again.
pub fn clear_abandoned(folder: &Path, prefix: &str) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_ours =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        if !is_ours || path.is_symlink() {
            continue;
        }
        let is_folder = path.is_dir();
        let handle = if is_folder {
            open_folder(&path)
        } else {
            File::options().write(true).open(&path).ok()
        };
        if handle.is_some_and(|handle| handle.try_lock().is_ok()) {
            let _ = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Makes a temporary file or folder and locks it. Tries again if another process removed it in
/// between.
fn owned<T: AsRef<Path>>(
    make: impl Fn() -> io::Result<(T, Option<File>)>,
) -> io::Result<(T, Option<File>)> {
    for _ in 0..TRIES {
        let (made, handle) = make()?;
        // Some file systems do not support locks. Without one, no other process can take the lock
        // either.
        let is_locked = handle.as_ref().is_some_and(|handle| handle.try_lock().is_ok());
        if !is_locked || made.as_ref().exists() {
            return Ok((made, handle.filter(|_| is_locked)));
        }
    }
    Err(io::Error::new(ErrorKind::ResourceBusy, "its temporary files are removed as they are made"))
}

#[cfg(unix)]
fn open_folder(path: &Path) -> Option<File> {
    File::open(path).ok()
}

/// On other systems a folder cannot be opened as a file, so it is not locked.
#[cfg(not(unix))]
fn open_folder(_: &Path) -> Option<File> {
    None
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_living_process_makes_stays_and_what_a_dead_one_left_goes() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at(".exporting-dead")).unwrap();
        fs::write(at(".exporting-dead").join("model.onnx"), b"half").unwrap();
        fs::write(at(".exporting-dead-file"), b"half").unwrap();
        fs::write(at("exporting-mine"), b"mine").unwrap();
        let living = Scratch::new_in(dir.path(), ".exporting-").unwrap();
        assert!(cfg!(not(unix)) || !at(".exporting-dead").exists());
        assert!(!at(".exporting-dead-file").exists() && at("exporting-mine").exists());
        let other = Scratch::new_in(dir.path(), ".exporting-").unwrap();
        assert!(living.path().is_dir(), "another process's");
        drop((living, other));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
