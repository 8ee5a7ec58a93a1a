//! File locks: exclusive for one process, or shared between readers. The operating system releases
//! the lock of a process that ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// How many times to reopen a file that was removed before this process locked it.
const TRIES: usize = 16;

/// A lock on a file or folder, held while the value lives.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
    is_held: bool,
    /// Removed when the lock is released.
    removed: Option<PathBuf>,
}

impl Lock {
    /// Locks the file at `path`, creating it if needed and removing it on release. Returns `None`
    /// while another process holds the lock.
    ///
    /// # Errors
    ///
    /// An error of the file system when the file can be neither opened nor created.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let mut lock = Self::try_acquire_and_leave(path)?;
        if let Some(lock) = &mut lock {
            lock.removed = Some(path.into());
        }
        Ok(lock)
    }

    /// Locks a folder itself, waiting for another process to release it. For short work only, such
    /// as writing a few files. Not held where the system cannot lock folders.
    pub fn of_folder(path: &Path) -> Self {
        let folder = if cfg!(unix) { File::open(path).ok() } else { None };
        let is_held = folder.as_ref().is_some_and(|folder| folder.lock().is_ok());
        Self { _file: folder, is_held, removed: None }
    }

    /// As [`Lock::try_acquire`], but leaves the file: it lies among the lock files of another
    /// program, which never removes them.
    ///
    /// # Errors
    ///
    /// As [`Lock::try_acquire`].
    pub fn try_acquire_and_leave(path: &Path) -> io::Result<Option<Self>> {
        Self::tried(path, open, File::try_lock)
    }

    /// Locks an existing file that others read, and does not remove it. Returns `None` while
    /// another process holds or shares the lock.
    ///
    /// # Errors
    ///
    /// An error of the file system when the file cannot be opened.
    pub fn try_acquire_existing(path: &Path) -> io::Result<Option<Self>> {
        // Network file systems grant an exclusive lock only on a file opened for writing.
        let open = |path: &Path| {
            OpenOptions::new().read(true).write(true).open(path).or_else(|_| File::open(path))
        };
        Self::tried(path, open, File::try_lock)
    }

    /// Shares the lock of an existing file with other readers, and does not remove it. Returns
    /// `None` while a process holds the lock exclusively.
    ///
    /// # Errors
    ///
    /// As [`Lock::try_acquire_existing`].
    pub fn try_share(path: &Path) -> io::Result<Option<Self>> {
        Self::tried(path, |path| File::open(path), File::try_lock_shared)
    }

    fn tried(
        path: &Path,
        open: impl Fn(&Path) -> io::Result<File>,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        let mut file = open(path)?;
        for _ in 0..TRIES {
            match lock(&file) {
                Ok(()) if is_still_there(path, &file)? => return Ok(Some(Self::of(file, true))),
                // The previous owner has removed the file. A lock on it would exclude no other
                // process.
                Ok(()) => file = open(path)?,
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Some network file systems do not support locks, and each reports its own error.
                Err(TryLockError::Error(_)) => return Ok(Some(Self::of(file, false))),
            }
        }
        // Some file systems report a new identity for a file every time.
        Ok(Some(Self::of(file, false)))
    }

    fn of(file: File, is_held: bool) -> Self {
        Self { _file: Some(file), is_held, removed: None }
    }

    /// Whether other processes are kept out; `false` where the file system does not support locks.
    pub fn is_held(&self) -> bool {
        self.is_held
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.removed {
            // Remove it while the lock is held. A file that stays is harmless.
            let _ = fs::remove_file(path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(false).open(path)
}

/// Whether the path still leads to the file that is open, not to one created after that was
/// removed.
fn is_still_there(path: &Path, file: &File) -> io::Result<bool> {
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(ours == named?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_held_once_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = Lock::try_acquire(&path).unwrap().unwrap();
        assert!(held.is_held());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn readers_share_a_file_and_keep_out_whoever_wants_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.json");
        assert_eq!(Lock::try_share(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "{}").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let (one, other) =
            (Lock::try_share(&path).unwrap().unwrap(), Lock::try_share(&path).unwrap().unwrap());
        drop(one);
        assert!(Lock::try_acquire_existing(&path).unwrap().is_none());
        drop(other);
        let alone = Lock::try_acquire_existing(&path).unwrap().unwrap();
        assert!(Lock::try_share(&path).unwrap().is_none());
        drop(alone);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn where_it_cannot_be_made_the_system_says_why() {
        let missing = Path::new("no such folder").join("x.lock");
        assert_eq!(Lock::try_acquire(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
