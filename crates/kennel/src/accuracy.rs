//! An accuracy with its uncertainty.

use std::fmt;

use kennel_metrics::{Proportion, format_proportion};

/// How many photos were labelled correctly, with the 95 % Wilson interval of that share.
///
/// Prints as `124/125 = 99.2 % (95 % CI 95.6-99.9)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Photos with the right label.
    pub correct: usize,
    /// All photos.
    pub photos: usize,
    /// `correct / photos`, in [0, 1].
    pub value: f64,
    /// Lower bound of the interval, in [0, 1].
    pub low: f64,
    /// Upper bound of the interval, in [0, 1].
    pub high: f64,
}

impl Accuracy {
    pub(crate) fn of(proportion: Proportion) -> Self {
        let Proportion { correct, n: photos, value, low, high } = proportion;
        Self { correct, photos, value, low, high }
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { correct, photos: n, value, low, high } = *self;
        f.pad(&format_proportion(&Proportion { correct, n, value, low, high }))
    }
}
