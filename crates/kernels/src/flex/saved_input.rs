//! Saves the input of a layer for its backward pass.
//!
//! If the input is the output of a normalisation, storing it would double the memory of a training
//! step, because the normalisation keeps its own input anyway. The input is then recomputed on
//! reading: one multiplication, one addition and one comparison per value. The same holds for an
//! activation that is fused into a fully connected layer.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::buffer::Buffer;
use super::nhwc::{ChannelsLast, Dims};
use super::recompute::Recompute;
use super::tape::Parent;

/// An input that is saved for the backward pass.
#[derive(Clone, Debug)]
pub enum SavedInput {
    Copy(ChannelsLast),
    Recompute(Arc<dyn Recompute>),
}

impl SavedInput {
    /// Saves `x`, the output of `parent`.
    pub fn new(x: ChannelsLast, parent: &Parent) -> Self {
        match parent.again() {
            Some(again) => SavedInput::Recompute(again),
            None => SavedInput::Copy(x),
        }
    }

    pub fn dims(&self) -> Dims {
        match self {
            SavedInput::Copy(x) => x.dims(),
            SavedInput::Recompute(again) => again.dims(),
        }
    }

    /// Some of the values; `range` must cover whole pixels.
    pub fn values(&self, range: Range<usize>) -> Values<'_> {
        match self {
            SavedInput::Copy(x) => Values::Saved(&x.values()[range]),
            SavedInput::Recompute(again) => Values::Recomputed(again.values(range)),
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
