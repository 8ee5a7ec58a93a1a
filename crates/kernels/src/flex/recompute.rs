//! Tensors that are computed again in the backward pass instead of being saved.

use std::fmt::Debug;
use std::ops::Range;

use super::buffer::Buffer;
use super::nhwc::Dims;

/// An output that follows cheaply from what its operation keeps anyway.
pub trait Recompute: Debug + Send + Sync {
    fn dims(&self) -> Dims;

    /// Computes some of the values; `range` must cover whole pixels.
    fn values(&self, range: Range<usize>) -> Buffer;
}
