//! Copies, links and moves single photos. A file that is there is never replaced.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use kennel_core::files;
use kennel_core::scratch::{self, WRITING};
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// How a photo gets into the folder of its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// By a copy.
    #[default]
    Copy,
    /// By a hard link, which takes no room.
    Link,
    /// By a move.
    Move,
}

/// Copies a photo with its time and permissions through a temporary file.
///
/// # Errors
///
/// A file at `target`; a file system that refuses; a photo whose bytes have changed.
pub(super) fn copy(photo: &Path, target: &Path, sha256: &str) -> Result<()> {
    let copied = (|| {
        let mut from = File::open(photo)?;
        let metadata = from.metadata()?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(WRITING);
        let mut copy = scratch::file_in(files::folder_of(target), &builder)?;
        io::copy(&mut from, copy.as_file_mut())?;
        copy.as_file().set_modified(metadata.modified()?)?;
        copy.as_file().set_permissions(metadata.permissions())?;
        copy.as_file().sync_all()?;
        Ok(copy)
    })();
    let copy = copied.map_err(DataError::io("copy", photo))?;
    if files::sha256_file(copy.path())? != sha256 {
        return Err(DataError::Stays { path: photo.into(), reason: "it changed meanwhile" });
    }
    let named = copy.persist_noclobber(target).map_err(|error| error.error);
    named.map(drop).map_err(DataError::io("write", target))
}

/// Links a photo.
///
/// # Errors
///
/// A file at `target`; another file system, or one without hard links.
pub(super) fn link(photo: &Path, target: &Path) -> Result<()> {
    // A hard link to a symbolic one would depend on its target.
    let photo = photo.canonicalize().map_err(DataError::io("read", photo))?;
    fs::hard_link(&photo, target).map_err(|source| DataError::Link {
        path: photo,
        to: target.into(),
        source,
    })
}

/// Moves a photo: gives its file the new name, or where that cannot be done copies it, and only
/// then removes the old one. (A rename would replace a file that another program has just put at
/// `target`.)
///
/// # Errors
///
/// As [`copy`]; a photo that cannot be removed, which then keeps its old name only.
pub(super) fn move_to(photo: &Path, target: &Path, sha256: &str) -> Result<()> {
    match fs::hard_link(photo, target) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(DataError::io("write", target)(error));
        }
        // Another file system, or one without hard links.
        Err(_) => {
            copy(photo, target, sha256)?;
            sync_folder(files::folder_of(target));
        }
    }
    remove(photo).inspect_err(|_| {
        // The photo is still in its place. A second name that stays harms nothing.
        let _ = fs::remove_file(target);
    })
}

/// Removes a file.
///
/// # Errors
///
/// A file system that refuses.
pub(super) fn remove(file: &Path) -> Result<()> {
    fs::remove_file(file).map_err(DataError::io("remove", file))
}

/// Waits until the disk has the names in a folder, where the system can tell.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        // Without it, a loss of power may cost the move, which undo then finds half done.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_and_bytes_time_and_permissions_stay() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "a photo").unwrap();
        fs::write(at("other"), "another").unwrap();
        let sha256 = files::sha256_file(&at("a")).unwrap();
        let long_ago =
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1e9 as u64);
        File::options().write(true).open(at("a")).unwrap().set_modified(long_ago).unwrap();
        for refused in [
            copy(&at("a"), &at("other"), &sha256),
            link(&at("a"), &at("other")),
            move_to(&at("a"), &at("other"), &sha256),
            copy(&at("other"), &at("new"), &sha256),
        ] {
            refused.unwrap_err();
        }
        assert_eq!(fs::read(at("other")).unwrap(), b"another");
        copy(&at("a"), &at("copy"), &sha256).unwrap();
        link(&at("a"), &at("link")).unwrap();
        move_to(&at("a"), &at("moved"), &sha256).unwrap();
        for made in ["copy", "link", "moved"] {
            assert_eq!(fs::read(at(made)).unwrap(), b"a photo", "{made}");
            assert_eq!(fs::metadata(at(made)).unwrap().modified().unwrap(), long_ago, "{made}");
        }
        // Nothing else is left.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }
}
