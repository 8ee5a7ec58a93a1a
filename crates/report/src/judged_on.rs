//! The photos that a run is judged by.

use kennel_core::Split;

/// The photos that a run's numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldOut {
    /// Test photos.
    Test,
    /// Validation photos: there are no test photos.
    Validation,
    /// All photos, each by a network that had not seen it.
    OutOfFold,
}

impl HeldOut {
    /// Returns the split of the photos that the run's own network has not seen. `None` if its
    /// answers are those of other networks.
    pub fn unseen_split(self) -> Option<Split> {
        match self {
            HeldOut::Test => Some(Split::Test),
            HeldOut::Validation => Some(Split::Val),
            HeldOut::OutOfFold => None,
        }
    }

    /// Returns its key in a run's summary.
    pub fn key(self) -> &'static str {
        match self {
            HeldOut::Test => "test",
            HeldOut::Validation => "val",
            HeldOut::OutOfFold => "out_of_fold",
        }
    }
}
