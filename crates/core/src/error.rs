//! What can go wrong with the shared files.

use std::path::PathBuf;

/// The result of this room's functions.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

/// A shared file that cannot be read, written or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The file system refused.
    #[error("cannot {verb} {path}: {source}", path = path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is there, but its contents are not what they should be.
    #[error("{path} is not a valid {what}: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
        /// What was found instead.
        reason: String,
    },
    /// One line of a JSON-lines file is damaged.
    #[error("{path}:{line}: not a valid {what}: {reason}", path = path.display())]
    MalformedLine {
        /// The file.
        path: PathBuf,
        /// One-based line number.
        line: usize,
        /// What the line should have been.
        what: &'static str,
        /// What was found instead.
        reason: String,
    },
    /// A word that names none of the choices.
    #[error("unknown {what} `{found}`; expected one of: {expected}{hint}")]
    UnknownWord {
        /// The kind of thing.
        what: &'static str,
        /// What was given.
        found: String,
        /// The choices, separated by commas.
        expected: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
}

impl CoreError {
    /// Wraps an I/O error with what was tried and where.
    pub fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> CoreError {
        let path = path.into();
        move |source| CoreError::Io { verb, path, source }
    }
}
