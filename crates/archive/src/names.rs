//! The path of an entry: from its own header or from those before it, and never outside a folder.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{TarError, damaged};

/// The headers that precede an entry and describe it.
#[derive(Default)]
pub(crate) struct Names {
    path: Option<Vec<u8>>,
    /// The size of the entry in bytes, if a header before it says one.
    pub size: Option<u64>,
    seen: u8,
}

impl Names {
    pub fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// Reads the contents of a header of this kind.
    pub fn read(&mut self, kind: tar::EntryType, mut bytes: Vec<u8>) -> Result<(), TarError> {
        self.seen += 1;
        if self.seen > 3 {
            return Err(damaged("one entry is described four times"));
        }
        if kind.is_gnu_longname() {
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
            self.path = Some(bytes);
        } else if kind.is_pax_local_extensions() {
            for extension in tar::PaxExtensions::new(&bytes) {
                let extension = extension.map_err(TarError::Read)?;
                match extension.key() {
                    Ok("path") => self.path = Some(extension.value_bytes().to_vec()),
                    Ok("size") => {
                        let size = extension.value().ok().and_then(|size| size.parse().ok());
                        self.size =
                            Some(size.ok_or_else(|| damaged("the size of an entry is no number"))?);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The path of the entry that follows: as described, else that of its own header.
    pub fn path(&self, header: &tar::Header) -> io::Result<PathBuf> {
        match &self.path {
            None => Ok(header.path()?.into_owned()),
            Some(bytes) => path_of(bytes),
        }
    }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> io::Result<PathBuf> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| io::Error::other("the name of an entry is not UTF-8"))?;
    Ok(text.into())
}

/// Returns the path without `.` components. `None` when it is absolute or contains `..`.
pub fn stay_inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(inside)
}
