//! Why bytes are not a photo.

use kennel_core::{Hint, Hinted};

use super::limits::{MAX_FILE_BYTES, MAX_PIXELS};

/// Why bytes are not a photo. The message is the reason, without the file's name.
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
    /// The width or the height is 0.
    #[error("a picture without width or height: {width} x {height} pixels")]
    NoPixels {
        /// Stated width.
        width: u64,
        /// Stated height.
        height: u64,
    },
    /// The header claims more pixels than [`MAX_PIXELS`].
    #[error("too large: {width} x {height} pixels, at most {} million are read", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Claimed width.
        width: u64,
        /// Claimed height.
        height: u64,
    },
    /// Decoding needs more memory than its whole budget.
    #[error(
        "too large for the memory budget: {width} x {height} pixels need {} MB, decoding may take \
         {} MB",
        need_bytes.div_ceil(1_000_000), budget_bytes / 1_000_000
    )]
    TooMuchMemory {
        /// Stated width.
        width: u64,
        /// Stated height.
        height: u64,
        /// Memory that decoding needs, in bytes.
        need_bytes: u64,
        /// Memory that all threads together may take, in bytes.
        budget_bytes: u64,
    },
    /// More bytes than [`MAX_FILE_BYTES`].
    #[error("too large: more than {MAX_FILE_BYTES} bytes, which are read at most")]
    TooManyBytes,
    /// The data ends before the picture does.
    #[error("truncated: {reason}")]
    Truncated {
        /// Where the data end.
        reason: String,
    },
    /// The data contradicts itself.
    #[error("damaged {format}: {reason}")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// The decoder's message.
        reason: String,
    },
}

impl Hinted for DecodeError {
    fn hints(&self) -> Vec<Hint> {
        match self {
            DecodeError::TooMuchMemory { .. } => vec![Hint::MoreMemory],
            _ => Vec::new(),
        }
    }
}
