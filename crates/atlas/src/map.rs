//! A map of photos: photos that are alike lie close together.

use bhtsne::tSNE;
use serde::{Deserialize, Serialize};

use crate::{UnitRows, cosine};

/// Fewest photos of a map. Places of fewer say nothing.
pub const LEAST_PHOTOS: usize = 10;
/// Neighbours that a photo is kept close to: openTSNE's and scikit-learn's default.
const PERPLEXITY: f32 = 30.0;
/// How coarsely far photos are taken together (`theta`): scikit-learn's default.
const ACCURACY: f32 = 0.5;
/// Iterations, as in scikit-learn.
const EPOCHS: usize = 1000;

/// A map of photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// The photos on it.
    pub photos: Vec<Place>,
    /// The photos that it was chosen from.
    pub of: usize,
}

/// A photo on a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its path in the data set, with `/`.
    pub path: String,
    /// From left to right, in [0, 1].
    pub x: f32,
    /// From top to bottom, in [0, 1].
    pub y: f32,
}

/// Places photos on a square of side 1, so that photos whose features point the same way lie close
/// together. Distances between groups that lie far apart mean little. `None` for fewer than
/// [`LEAST_PHOTOS`], or if the system gives no thread.
///
/// Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE", on cosine distances. It
/// starts from a spectral embedding and not from chance, so the same rows give the same map (Kobak
/// and Linderman 2021, "Initialization is critical for preserving global data structure in both
/// t-SNE and UMAP").
pub fn places(rows: &UnitRows) -> Option<Vec<[f32; 2]>> {
    let rows: Vec<&[f32]> = rows.iter().collect();
    if rows.len() < LEAST_PHOTOS {
        return None;
    }
    // Several threads add forces in the order in which they come, and the map would differ.
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(alone) => Some(alone.install(|| embedded(&rows))),
        Err(_) => None,
    }
}

fn embedded(rows: &[&[f32]]) -> Vec<[f32; 2]> {
    let mut tsne: tSNE<f32, &[f32]> = tSNE::new(rows);
    tsne.perplexity(PERPLEXITY.min((rows.len() - 1) as f32 / 3.0))
        .epochs(EPOCHS)
        .spectral_init()
        // Of rows of length 1 the squared distance is twice the cosine distance.
        .barnes_hut(ACCURACY, |a, b| (2.0 - 2.0 * cosine(a, b)).max(0.0).sqrt() as f32);
    framed(&tsne.embedding())
}

/// Moves and scales a map into the square, keeping its shape.
fn framed(flat: &[f32]) -> Vec<[f32; 2]> {
    let end = |axis: usize, pick: fn(f32, f32) -> f32| {
        flat.iter().skip(axis).step_by(2).copied().reduce(pick).unwrap_or(0.0)
    };
    let low = [end(0, f32::min), end(1, f32::min)];
    let extent = [end(0, f32::max) - low[0], end(1, f32::max) - low[1]];
    let side = extent[0].max(extent[1]).max(f32::MIN_POSITIVE);
    let at = |axis: usize, value: f32| {
        ((value - low[axis] + (side - extent[axis]) / 2.0) / side).clamp(0.0, 1.0)
    };
    flat.chunks_exact(2).map(|point| [at(0, point[0]), at(1, point[1])]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;

    /// Photos of three groups, each around a direction of its own.
    fn groups(photos: usize) -> UnitRows {
        let noise = |seed: usize| ((seed * 7919 + 13) % 101) as f32 / 101.0 - 0.5;
        let value = |photo: usize, feature: usize| {
            let own = if feature % 3 == photo % 3 { 1.0 } else { 0.0 };
            own + 0.4 * noise(photo * 31 + feature)
        };
        let values: Vec<f32> =
            (0..photos).flat_map(|photo| (0..24).map(move |f| value(photo, f))).collect();
        UnitRows::of(Features { values: &values, width: 24 })
    }

    #[test]
    fn photos_of_a_group_lie_together_and_the_same_photos_give_the_same_map() {
        let rows = groups(90);
        let map = places(&rows).unwrap();
        assert_eq!(places(&rows).unwrap(), map);
        let distance = |a: usize, b: usize| (map[a][0] - map[b][0]).hypot(map[a][1] - map[b][1]);
        let nearest_of_own = |photo: &usize| {
            let others = (0..90).filter(|other| other != photo);
            let nearest =
                others.min_by(|a, b| distance(*photo, *a).total_cmp(&distance(*photo, *b)));
            nearest.unwrap() % 3 == photo % 3
        };
        assert_eq!((0..90).filter(nearest_of_own).count(), 90);
        assert!(map.iter().flatten().all(|value| (0.0..=1.0).contains(value)));
    }

    #[test]
    fn few_photos_and_copies_are_no_obstacle() {
        assert_eq!(places(&groups(LEAST_PHOTOS - 1)), None);
        assert_eq!(places(&groups(LEAST_PHOTOS)).unwrap().len(), LEAST_PHOTOS);
        let copies = UnitRows::of(Features { values: &[1.0; 40], width: 2 });
        assert!(places(&copies).unwrap().iter().flatten().all(|value| value.is_finite()));
    }
}
