//! The output of a normalisation, which can be computed again from its input.

use std::ops::Range;

use super::batch_norm::Normalisation;
use super::buffer::Buffer;
use super::nhwc::{ChannelsLast, Dims};
use super::pointwise::has_slope_from_value;
use super::recompute::Recompute;
use crate::types::Activation;

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
    pub fn is_cheap(&self) -> bool {
        has_slope_from_value(self.activation) && self.activation != Activation::Sigmoid
    }
}

impl Recompute for Normalised {
    fn dims(&self) -> Dims {
        self.x.dims()
    }

    fn values(&self, range: Range<usize>) -> Buffer {
        let mut values = Buffer::new(range.len());
        self.normalisation.write(self.activation)(&mut values, &self.x.values()[range]);
        values
    }
}
