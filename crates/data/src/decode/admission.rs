//! Admits a picture by the size that its header states, before memory is allocated.

use super::budget::{Budget, Reservation};
use super::error::DecodeError;
use super::limits::MAX_PIXELS;

/// Checks that a picture has pixels, and not too many.
pub(super) fn check_size(width: u64, height: u64) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::NoPixels { width, height });
    }
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels { width, height });
    }
    Ok(())
}

/// Admits a picture of any format by its stated size. Checks the size, and reserves memory for its
/// RGB, for turning it upright, for resizing it, and for `scratch_bytes` of the decoder. Waits for
/// other photos if it must.
pub(super) fn admit(
    width: u64,
    height: u64,
    scratch_bytes: u64,
) -> Result<Reservation, DecodeError> {
    check_size(width, height)?;
    let need_bytes =
        (6 * width * height + resizing_bytes(width, height)).saturating_add(scratch_bytes);
    let budget = Budget::of_process();
    let budget_bytes = budget.total();
    budget.reserve(need_bytes).ok_or(DecodeError::TooMuchMemory {
        width,
        height,
        need_bytes,
        budget_bytes,
    })
}

/// Returns the memory for resizing besides the photo: a weight for each of its columns and rows.
pub(super) fn resizing_bytes(width: u64, height: u64) -> u64 {
    4 * (width + height)
}
