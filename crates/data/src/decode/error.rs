//! Why bytes are not a photo.

use super::{MAX_FILE_BYTES, MAX_PIXELS};

/// Why bytes are not a photo. The message is the reason that stands beside the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No bytes at all.
    #[error("empty file")]
    Empty,
    /// No image format begins like this.
    #[error("not an image: begins with {begins}")]
    NotAnImage {
        /// The first bytes, quoted.
        begins: String,
    },
    /// An image, but of a kind that is not read.
    #[error("unsupported image: {what}")]
    Unsupported {
        /// Its kind.
        what: String,
    },
    /// The header claims more pixels than [`MAX_PIXELS`].
    #[error("too large: {width} x {height} pixels, at most {} million are read", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Claimed width.
        width: u64,
        /// Claimed height.
        height: u64,
    },
    /// More bytes than [`MAX_FILE_BYTES`].
    #[error("too large: {bytes} bytes, at most {MAX_FILE_BYTES} are read")]
    TooManyBytes {
        /// Size of the file.
        bytes: u64,
    },
    /// The data ends before the picture does.
    #[error("truncated: {reason}")]
    Truncated {
        /// Where it broke off.
        reason: String,
    },
    /// The data contradicts itself.
    #[error("damaged {format}: {reason}")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
}
