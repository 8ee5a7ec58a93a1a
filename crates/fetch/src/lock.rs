//! One process at a time, by a lock that the operating system takes away from a dead one.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::{Event, Watch};
use crate::error::{FetchError, Result};

/// A locked file, for as long as the value lives.
pub(crate) struct Lock {
    _file: File,
    path: PathBuf,
    remove: bool,
}

impl Lock {
    /// Waits until the lock file at `path` is ours; it goes with the lock.
    pub fn acquire(path: &Path, watch: Watch<'_>) -> Result<Self> {
        Self::acquire_with(path, true, watch)
    }

    /// As [`Lock::acquire`], in the folder of another program's locks, which leaves them there.
    pub fn acquire_and_leave(path: &Path, watch: Watch<'_>) -> Result<Self> {
        Self::acquire_with(path, false, watch)
    }

    fn acquire_with(path: &Path, remove: bool, watch: Watch<'_>) -> Result<Self> {
        let mut told = false;
        loop {
            watch.check_stop(&path.display().to_string())?;
            let file = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(false)
                .open(path)
                .map_err(FetchError::io("create", path))?;
            match file.try_lock() {
                // Whoever had it before may have removed the name in between: the file is then nobody's any more.
                Ok(()) if is_still_there(path, &file) => {
                    return Ok(Self { _file: file, path: path.into(), remove });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        watch.event(Event::Waiting);
                    }
                    watch.pause(Duration::from_millis(50), &path.display().to_string())?;
                }
                // Some network file systems know no locks; what is renamed into its place is whole all the same.
                Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                    return Ok(Self { _file: file, path: path.into(), remove: false });
                }
                Err(TryLockError::Error(error)) => return Err(FetchError::io("lock", path)(error)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.remove {
            // While it is still ours; that it stays is harmless.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes what a process that was killed at the very end left beside a finished file, and its lock. Nothing depends on it.
pub(crate) fn tidy(lock: &Path, left: &[&Path], watch: Watch<'_>) {
    if !lock.exists() && left.iter().all(|path| !path.exists()) {
        return;
    }
    if let Ok(_lock) = Lock::acquire(lock, watch) {
        for path in left {
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_at_a_time_holds_it_and_the_last_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _lock = Lock::acquire(&path, Watch::nobody()).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert!(!path.exists());
    }
}
