//! Why an archive cannot be read.

use std::io;

/// Why reading an archive failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The archive cannot be read, or is truncated or damaged.
    #[error("{0}")]
    Read(#[source] io::Error),
    /// The contents of an entry cannot be written.
    #[error("{0}")]
    Write(#[source] io::Error),
    /// An entry that must not be unpacked. It makes the whole archive invalid.
    #[error("entry `{entry}` {reason}")]
    Refused {
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
}

pub(crate) fn damaged(reason: impl Into<String>) -> TarError {
    TarError::Read(io::Error::other(reason.into()))
}
