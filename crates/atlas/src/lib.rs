//! Where photos lie among each other: which are most like one, and a map of all.
//!
//! A photo is its features, such as the input of a network's classifier, and two photos are alike
//! if their features point the same way. Pure functions on slices: no network, no files, no clock.
//! The same rows give the same result with every number of threads.

mod features;
mod map;
mod nearest;

pub use features::{Features, UnitRows, cosine};
pub use map::{LEAST_PHOTOS, Map, Place, places};
pub use nearest::{Neighbour, nearest};
