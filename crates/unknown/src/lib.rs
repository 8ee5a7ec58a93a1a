//! Tells photos of none of the classes from known ones.
//!
//! A network's pooled features of known photos form a cloud. A photo is unknown if its features lie
//! further from that cloud than those of nearly all known photos. Pure functions on slices: no
//! network, no files, no clock. The same rows give the same bits with every number of threads and
//! every instruction set.
//!
//! In order: [`Moments`] of the training photos give a [`Gaussian`]; the scores of other known
//! photos give the threshold of an [`Unknown`].

mod moments;

mod axes;
mod jacobi;

mod gaussian;

mod quantiles;

mod threshold;

mod unknown;

pub use gaussian::{Gaussian, MAX_RANK};
pub use moments::Moments;
pub use threshold::{MIN_KNOWN_PHOTOS, threshold};
pub use unknown::{MIN_TRAIN_PHOTOS, NotFitted, Unknown};
