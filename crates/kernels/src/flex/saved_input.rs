//! Saves the input of a layer for its backward pass.
//!
//! If the input is the output of a normalisation, storing it would double the memory of a training
//! step, because the normalisation keeps its own input anyway. The input is then recomputed on
//! reading: one multiplication, one addition and one comparison per value.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::buffer::Buffer;
use super::nhwc::{ChannelsLast, Dims};
use super::normalised::Normalised;
use super::tape::Parent;

/// An input that is saved for the backward pass.
#[derive(Clone, Debug)]
pub enum SavedInput {
    Copy(ChannelsLast),
    Recompute(Arc<Normalised>),
}

impl SavedInput {
    /// Saves `x`, the output of `parent`.
    pub fn new(x: ChannelsLast, parent: &Parent) -> Self {
        match parent.normalised() {
            Some(normalised) => SavedInput::Recompute(normalised),
            None => SavedInput::Copy(x),
        }
    }

    pub fn dims(&self) -> Dims {
        match self {
            SavedInput::Copy(x) => x.dims(),
            SavedInput::Recompute(normalised) => normalised.x.dims(),
        }
    }

    /// Some of the values; `range` must cover whole pixels.
    pub fn values(&self, range: Range<usize>) -> Values<'_> {
        match self {
            SavedInput::Copy(x) => Values::Saved(&x.values()[range]),
            SavedInput::Recompute(normalised) => Values::Recomputed(normalised.values(range)),
        }
    }
}

/// Values of a [`SavedInput`].
pub enum Values<'a> {
    Saved(&'a [f32]),
    Recomputed(Buffer),
}

impl Deref for Values<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Values::Saved(values) => values,
            Values::Recomputed(values) => values,
        }
    }
}
