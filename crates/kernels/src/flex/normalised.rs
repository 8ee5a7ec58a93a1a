//! What a layer's backward pass reads of its input.
//!
//! Where the input came out of a normalisation, which keeps its own input anyway, keeping it too would double the memory
//! of a training step. It is then computed again as it is read: a multiplication, an addition and a comparison.

use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::batch_norm::Normalisation;
use super::buffer::Buffer;
use super::nhwc::{ChannelsLast, Dims};
use super::pointwise::has_slope_from_value;
use crate::Activation;

/// A normalisation and what it was applied to.
#[derive(Debug)]
pub struct Normalised {
    pub x: ChannelsLast,
    pub normalisation: Normalisation,
    pub activation: Activation,
}

impl Normalised {
    /// Whether computing it again is cheaper than memory: not where it takes exponentials.
    fn is_cheap(&self) -> bool {
        has_slope_from_value(self.activation) && self.activation != Activation::Sigmoid
    }
}

/// Tensors, by identifiers unique in the process, that came out of a normalisation which is still to be differentiated.
static KNOWN: Mutex<BTreeMap<u64, Weak<Normalised>>> = Mutex::new(BTreeMap::new());

/// More than any network has at once; then those that are done with are forgotten.
const MOST: usize = 1024;

/// Remembers where the tensor came from for as long as its normalisation is there.
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

/// An input, kept for the backward pass.
#[derive(Clone, Debug)]
pub enum Kept {
    As(ChannelsLast),
    Before(Arc<Normalised>),
}

impl Kept {
    /// The tensor with this identifier.
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

    /// Some of the values: those of whole pixels.
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

/// Values that are there, or were computed.
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
