//! Checks received files against their digests.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine as _};
use kennel_core::files;
use sha1::{Digest as _, Sha1};
use sha2::Sha512;

use crate::error::{FetchError, Result};

/// Expected digest of a file, in lower-case hexadecimal unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha256(String),
    /// git's blob id: SHA-1 of `blob <length>\0` and the bytes.
    GitBlob(String),
    /// npm's form: `sha512-` and SHA-512 in base64.
    Integrity(String),
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
            Digest::Integrity(expected) => {
                let found = integrity(path).map_err(FetchError::io("read", path))?;
                ("SHA-512", expected, found)
            }
        };
        let is_equal = match self {
            // In base64, letters of two sizes are two letters.
            Digest::Integrity(_) => found == *expected,
            _ => found.eq_ignore_ascii_case(expected),
        };
        match is_equal {
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
    let file = File::open(path)?;
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", file.metadata()?.len()));
    hash(file, &mut hasher)?;
    Ok(files::hex(&hasher.finalize()))
}

fn integrity(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha512::new();
    hash(File::open(path)?, &mut hasher)?;
    Ok(format!("sha512-{}", STANDARD.encode(hasher.finalize())))
}

fn hash(mut file: File, hasher: &mut impl sha1::digest::Update) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
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

    #[test]
    fn an_integrity_is_the_one_of_npm() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // FIPS 180-4's example, in base64.
        let abc = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        assert_eq!(integrity(file.path()).unwrap(), abc);
        assert!(Digest::Integrity(abc.into()).check(file.path(), "").is_ok());
        let other = abc.to_lowercase();
        assert!(Digest::Integrity(other).check(file.path(), "").is_err());
    }
}
