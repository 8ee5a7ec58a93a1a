//! Keeps the input of a layer for its backward pass.
//!
//! If the input is the output of a normalisation, storing it would double the memory of a training
//! step, because the normalisation keeps its own input anyway. The input is then recomputed on
//! reading: one multiplication, one addition and one comparison per value.

use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::batch_norm::Normalisation;
use super::buffer::Buffer;
use super::nhwc::{ChannelsLast, Dims};
use super::pointwise::has_slope_from_value;
use crate::Activation;

/// A normalisation with its input and activation.
#[derive(Debug)]
pub struct Normalised {
    pub x: ChannelsLast,
    pub normalisation: Normalisation,
    pub activation: Activation,
}

impl Normalised {
    /// Whether recomputing is cheap enough to save the memory: not for activations with
    /// exponentials.
    fn is_cheap(&self) -> bool {
        has_slope_from_value(self.activation) && self.activation != Activation::Sigmoid
    }
}

/// Outputs of normalisations that still await their backward pass, by process-wide unique
/// identifier of the tensor.
static KNOWN: Mutex<BTreeMap<u64, Weak<Normalised>>> = Mutex::new(BTreeMap::new());

/// More entries than any network needs at once. At this size, entries of finished normalisations
/// are removed.
const MOST: usize = 1024;

/// Remembers which normalisation produced the tensor, for as long as the normalisation exists.
pub fn remember(id: u64, from: &Arc<Normalised>) {
    if !from.is_cheap() {
        return;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.retain(|_, from| from.strong_count() > 0);
    }
    known.insert(id, Arc::downgrade(from));
}

/// An input that is kept for the backward pass.
#[derive(Clone, Debug)]
pub enum Kept {
    As(ChannelsLast),
    Before(Arc<Normalised>),
}

impl Kept {
    /// Keeps the tensor `x` with identifier `id`.
    pub fn new(id: u64, x: ChannelsLast) -> Self {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&id).and_then(Weak::upgrade) {
            Some(from) => Kept::Before(from),
            None => Kept::As(x),
        }
    }

    pub fn dims(&self) -> Dims {
        match self {
            Kept::As(x) => x.dims(),
            Kept::Before(from) => from.x.dims(),
        }
    }

    /// Some of the values; `range` must cover whole pixels.
    pub fn values(&self, range: Range<usize>) -> Values<'_> {
        match self {
            Kept::As(x) => Values::There(&x.values()[range]),
            Kept::Before(from) => {
                let mut values = Buffer::new(range.len());
                from.normalisation.write(from.activation)(&mut values, &from.x.values()[range]);
                Values::Made(values)
            }
        }
    }
}

/// Values that are stored or were recomputed.
pub enum Values<'a> {
    There(&'a [f32]),
    Made(Buffer),
}

impl Deref for Values<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Values::There(values) => values,
            Values::Made(values) => values,
        }
    }
}
