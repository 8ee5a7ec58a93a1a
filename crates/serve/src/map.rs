//! The map of the photos of a run's data set.

use kennel_infer::{PhotoIndex, PlacedPhoto};
use serde::Serialize;

/// A map of the photos that a model was trained and judged on.
#[derive(Debug, Serialize)]
pub struct PhotoMap {
    /// The photos on it.
    photos: Vec<Placed>,
    /// How many photos it was chosen from.
    of: usize,
}

#[derive(Debug, Serialize)]
struct Placed {
    sha256: String,
    /// From left to right, in [0, 1].
    x: f32,
    /// From top to bottom, in [0, 1].
    y: f32,
}

impl PhotoMap {
    /// Draws the map. Takes seconds.
    pub fn of(index: &PhotoIndex) -> Self {
        let placed = |PlacedPhoto { photo, place: [x, y] }: PlacedPhoto<'_>| Placed {
            sha256: photo.sha256.clone(),
            x,
            y,
        };
        Self { photos: index.map().into_iter().map(placed).collect(), of: index.photos().len() }
    }
}
