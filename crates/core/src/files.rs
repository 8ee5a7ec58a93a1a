//! Writes files atomically, so that a reader never sees half of one, and computes digests of files.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use crate::new_file::folder_of;
use crate::scratch::{self, WRITING};
use crate::{CoreError, NewFile, Result, open_regular, read_bounded};

/// Largest text file that is read, in bytes: a manifest of four million photos.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// Writes `bytes` to a temporary file in the same folder and renames it to `path`, which is
/// therefore always whole: the old file or the new one. Removes the temporary files that killed
/// processes left in the folder.
///
/// # Errors
///
/// [`CoreError::Io`] when the folder is missing or not writable, or the disk is full; `path` is
/// then unchanged.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// As [`write_atomically`], for contents that are produced piece by piece.
///
/// # Errors
///
/// As [`write_atomically`]; errors of `write`.
pub fn write_atomically_with(
    path: &Path,
    write: impl FnOnce(&mut NewFile) -> std::io::Result<()>,
) -> Result<()> {
    scratch::clear_abandoned(folder_of(path), WRITING);
    let mut file = NewFile::begin(path)?;
    write(&mut file).map_err(CoreError::io("write", path))?;
    file.finish()
}

/// Writes `value` as indented JSON with a final newline, to a temporary file that is renamed into
/// place.
///
/// # Errors
///
/// As [`write_atomically`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| CoreError::Malformed {
        path: path.into(),
        what: "JSON value",
        reason: error.to_string(),
    })?;
    text.push('\n');
    write_atomically(path, text.as_bytes())
}

/// Reads a whole text file.
///
/// # Errors
///
/// [`CoreError::Io`] when the file cannot be read, is not a regular file, is larger than 1 GiB or
/// is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    as_text(read_bounded(path, MAX_TEXT_BYTES)?, path)
}

/// Converts the bytes of a text file to text.
///
/// # Errors
///
/// [`CoreError::Io`] when they are not UTF-8.
pub(crate) fn as_text(bytes: Vec<u8>, path: &Path) -> Result<String> {
    let no_text = |_| std::io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(bytes).map_err(no_text).map_err(CoreError::io("read", path))
}

/// Returns a path with `/` on every system, as written into files.
pub fn with_slashes(path: &Path) -> String {
    let names: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    names.join("/")
}

/// Whether a path leads nowhere but into the folder that it is appended to.
pub fn stays_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Returns the canonical path of something that may not exist yet.
///
/// # Errors
///
/// [`CoreError::Io`] when the current folder is gone.
pub fn place_of(path: &Path) -> Result<PathBuf> {
    let mut place = std::env::current_dir().map_err(CoreError::io("read", "."))?;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                place.pop();
            }
            other => place.push(other),
        }
        // Resolve links step by step, so that `..` means what it means to the system.
        if let Ok(resolved) = place.canonicalize() {
            place = resolved;
        }
    }
    Ok(place)
}

/// Whether two paths resolve to the same file. Names that do not exist compare as text.
pub fn is_same_place(a: impl AsRef<Path>, b: impl AsRef<Path>) -> bool {
    let (a, b) = (a.as_ref(), b.as_ref());
    a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// Creates a folder and its parents.
///
/// # Errors
///
/// [`CoreError::Io`] when one of them cannot be created.
pub fn create_dir_all(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(CoreError::io("create", path))
}

/// Computes the SHA-256 of a file in lower-case hexadecimal, reading it in pieces.
///
/// # Errors
///
/// [`CoreError::Io`] when it cannot be read or is not a regular file.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = open_regular(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(CoreError::io("read", path))? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Computes the SHA-256 of bytes, in lower-case hexadecimal.
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Formats bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.json");
        write_atomically(&path, b"old").unwrap();
        let failed = write_atomically_with(&path, |file| {
            file.write_all(b"half of the n")?;
            Err(std::io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn digests_are_those_of_sha256sum() {
        assert_eq!(
            sha256_bytes(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
