//! One process at a time, by a lock that the operating system takes away from a dead one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A locked file, for as long as the value lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// Removed when the lock is given back.
    removed: Option<PathBuf>,
}

impl Lock {
    /// Locks the file at `path`, which is made where it is missing and goes with the lock. None while another process has it.
    ///
    /// # Errors
    ///
    /// Of the file system, when the file can be neither opened nor made.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let mut lock = Self::try_acquire_and_leave(path)?;
        if let Some(lock) = &mut lock {
            lock.removed = Some(path.into());
        }
        Ok(lock)
    }

    /// As [`Lock::try_acquire`], but the file stays: it lies in the folder of another program's locks, which leaves them there.
    ///
    /// # Errors
    ///
    /// As [`Lock::try_acquire`].
    pub fn try_acquire_and_leave(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) if is_still_there(path, &file) => {
                    return Ok(Some(Self { _file: file, removed: None }));
                }
                // Whoever had it before removed the name in between: this file is nobody's any more.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Some network file systems know no locks; what is renamed into its place is whole all the same.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Some(Self { _file: file, removed: None }));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.removed {
            // While it is still ours; that it stays is harmless.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether the name still leads to the file that we hold, and not to one that was made after it was removed.
fn is_still_there(path: &Path, file: &File) -> bool {
    let ours = file.try_clone().and_then(same_file::Handle::from_file);
    matches!((ours, same_file::Handle::from_path(path)), (Ok(ours), Ok(named)) if ours == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_held_once_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = Lock::try_acquire(&path).unwrap().unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn where_it_cannot_be_made_the_system_says_why() {
        let missing = Path::new("no such folder").join("x.lock");
        assert_eq!(Lock::try_acquire(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
