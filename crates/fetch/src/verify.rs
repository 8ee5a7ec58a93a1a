//! Checks received files against their digests.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use kennel_core::files;
use sha1::{Digest as _, Sha1};

use crate::error::{FetchError, Result};

/// Expected digest of a file, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha256(String),
    /// git's blob id: SHA-1 of `blob <length>\0` and the bytes.
    GitBlob(String),
}

impl Digest {
    /// Hashes the file at `path` and compares the digests.
    pub fn check(&self, path: &Path, url: &str) -> Result<()> {
        let (algorithm, expected, found) = match self {
            Digest::Sha256(expected) => ("SHA-256", expected, files::sha256_file(path)?),
            Digest::GitBlob(expected) => {
                let found = git_blob_id(path).map_err(FetchError::io("read", path))?;
                ("git blob id", expected, found)
            }
        };
        match found.eq_ignore_ascii_case(expected) {
            true => Ok(()),
            false => Err(FetchError::Digest {
                url: url.into(),
                algorithm,
                expected: expected.clone(),
                found,
            }),
        }
    }
}

fn git_blob_id(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", file.metadata()?.len()));
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(kennel_core::files::hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_the_name_that_git_gives_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "what is up, doc?").unwrap();
        // From the chapter on Git's objects in Pro Git.
        assert_eq!(git_blob_id(file.path()).unwrap(), "bd9dbf5aae1a3862dd1526723246b20206e5fc37");
    }
}
