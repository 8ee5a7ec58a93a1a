//! How large a photo may be.

/// The most pixels a photo may have: 200 million, more than any camera has, 600 MB of RGB.
pub const MAX_PIXELS: u64 = 200_000_000;
/// Size of the largest photo file, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;
