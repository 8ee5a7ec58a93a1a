//! Waits for locks, and removes what killed processes left.

use std::path::Path;
use std::time::Duration;

use kennel_core::task::Event;
use kennel_core::{Lock, Task};

use crate::client::{check, pause};
use crate::error::{FetchError, Result};

/// Waits for the lock file at `path`, which is removed when the lock is released. Does not wait
/// where the file system does not support locks: files are renamed into place, so they are whole
/// all the same.
pub(crate) fn acquire(path: &Path, task: Task<'_>) -> Result<Lock> {
    wait(path, Lock::try_acquire, task)
}

/// As [`acquire`], but leaves the lock file: it lies among the lock files of another program, which
/// never removes them.
pub(crate) fn acquire_and_leave(path: &Path, task: Task<'_>) -> Result<Lock> {
    wait(path, Lock::try_acquire_and_leave, task)
}

fn wait(
    path: &Path,
    tried: fn(&Path) -> std::io::Result<Option<Lock>>,
    task: Task<'_>,
) -> Result<Lock> {
    let mut told = false;
    loop {
        check(task, &path.display().to_string())?;
        if let Some(lock) = tried(path).map_err(FetchError::io("lock", path))? {
            return Ok(lock);
        }
        if !std::mem::replace(&mut told, true) {
            task.tell(Event::Waiting);
        }
        pause(task, Duration::from_millis(50), &path.display().to_string())?;
    }
}

/// Removes the lock file, and what else a process left that was killed after its file was finished.
/// Optional: nothing depends on it.
pub(crate) fn tidy(lock: &Path, left: &[&Path], task: Task<'_>) {
    if !lock.exists() && left.iter().all(|path| !path.exists()) {
        return;
    }
    if let Ok(_lock) = acquire(lock, task) {
        for path in left {
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
    }
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
                    let _lock = acquire(&path, Task::unwatched()).unwrap();
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
