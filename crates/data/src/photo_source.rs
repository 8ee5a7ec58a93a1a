//! One photo to read: a file, a member of a tar, or standard input.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::decode::{DecodeError, Decoded, MAX_FILE_BYTES, decode, read_decoded};
use crate::endings::other_format;
use crate::error::{DataError, Result};
use crate::walk::{BEGINNING_BYTES, beginning};

/// One photo, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoSource {
    /// A file.
    File(PathBuf),
    /// A file in a tar.
    Member(Member),
    /// The bytes of standard input.
    Stdin,
}

/// Where a file lies in a tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Path of the tar.
    pub archive: Arc<Path>,
    /// Path in the tar.
    pub path: PathBuf,
    /// Where its contents begin, in bytes.
    pub offset: u64,
    /// Size of its contents, in bytes.
    pub size: u64,
}

impl Member {
    /// Its name: `shards/000.tar/dogs/1.jpg`.
    fn named(&self) -> PathBuf {
        self.archive.join(&self.path)
    }

    fn read(&self) -> Result<Decoded> {
        let path = self.named();
        let refuse = |source: DecodeError| DataError::Decode { path: path.clone(), source };
        if self.size > MAX_FILE_BYTES {
            return Err(refuse(DecodeError::TooManyBytes));
        }
        let mut bytes = Vec::new();
        File::open(&self.archive)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset))?;
                file.take(self.size).read_to_end(&mut bytes)
            })
            .map_err(DataError::io("read", &path))?;
        let beginning = |_: &Path| bytes[..bytes.len().min(BEGINNING_BYTES)].to_vec();
        match other_format(&self.path, beginning) {
            None => decode(&bytes).map_err(refuse),
            Some(what) => Err(refuse(DecodeError::Unsupported { what })),
        }
    }
}

impl fmt::Display for PhotoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhotoSource::File(path) => f.pad(&path.to_string_lossy()),
            PhotoSource::Member(member) => f.pad(&member.named().to_string_lossy()),
            PhotoSource::Stdin => f.pad("-"),
        }
    }
}

impl PhotoSource {
    /// Decodes it.
    ///
    /// # Errors
    ///
    /// As [`read_photo`](crate::read_photo), and [`DataError::Address`] for a web address that is
    /// no file.
    pub fn read(&self) -> Result<Decoded> {
        match self {
            PhotoSource::File(path) if is_address(path) && !path.exists() => {
                Err(DataError::Address { address: path.clone() })
            }
            PhotoSource::File(path) => match other_format(path, beginning) {
                None => read_decoded(path),
                Some(what) => Err(DataError::Decode {
                    path: path.clone(),
                    source: DecodeError::Unsupported { what },
                }),
            },
            PhotoSource::Member(member) => member.read(),
            PhotoSource::Stdin => {
                let path = Path::new("-");
                let mut bytes = Vec::new();
                let stdin = std::io::stdin().lock();
                stdin
                    .take(MAX_FILE_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .map_err(DataError::io("read", path))?;
                let refuse = |source: DecodeError| DataError::Decode { path: path.into(), source };
                decode(&bytes).map_err(refuse)
            }
        }
    }
}

/// Whether a name is a web address.
pub(crate) fn is_address(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    name.starts_with("http://") || name.starts_with("https://")
}
