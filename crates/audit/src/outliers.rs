//! Photos that are far from all others in feature space.

use kennel_atlas::{UnitRows, cosine};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Features, JudgedPhotos};

/// Neighbours to average over, as in cleanlab.
pub const NEIGHBOURS: usize = 10;
/// How many interquartile ranges above the third quartile of all distances an outlier begins:
/// Tukey's fence. Of normally distributed distances, 0.35 % are beyond it.
pub const FENCE: f64 = 1.5;

/// A photo unlike all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlier {
    /// Its path.
    pub path: String,
    /// Its label.
    pub label: String,
    /// Mean cosine distance to its nearest photos, in [0, 2].
    pub distance: f64,
    /// `distance` as a multiple of the median over all photos; none if most photos are copies.
    pub multiple: Option<f64>,
}

/// Lists the photos whose mean distance to their neighbours is beyond Tukey's upper fence, the
/// farthest first. `None` without features. Photos that come in a group, each with ten others like
/// it, are no outliers.
pub(crate) fn outliers(judged: &JudgedPhotos) -> Option<Vec<Outlier>> {
    let distances = neighbour_distances(judged.features?, NEIGHBOURS);
    let mut sorted = distances.clone();
    sorted.sort_by(f64::total_cmp);
    let [q1, median, q3] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
    // Distances of copies differ by rounding alone.
    let fence = q3 + FENCE * (q3 - q1) + f64::from(f32::EPSILON);
    let mut found = Vec::new();
    for (photo, &distance) in judged.photos.iter().zip(&distances) {
        if distance > fence {
            found.push(Outlier {
                path: photo.path.into(),
                label: judged.class_names[photo.label].clone(),
                distance,
                multiple: (median > 0.0).then(|| distance / median),
            });
        }
    }
    found.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    Some(found)
}

/// Returns a quantile of sorted values, linear between its neighbours (numpy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// Computes the mean cosine distance of each photo to its `neighbours` nearest other photos (to all
/// others if there are fewer; 0 for a lone photo). Compares all pairs: time grows with the square
/// of the number of photos. A photo whose features are all 0 is at distance 1 from every other.
///
/// Source: Kuan and Mueller 2022, "Back to the basics: revisiting out-of-distribution detection
/// baselines"; `OutOfDistribution` of cleanlab 2.9, whose score is exp(-distance / median).
pub fn neighbour_distances(features: Features, neighbours: usize) -> Vec<f64> {
    let unit = UnitRows::of(features);
    let photos: Vec<&[f32]> = unit.iter().collect();
    let nearest = neighbours.min(photos.len().saturating_sub(1));
    if nearest == 0 {
        return vec![0.0; photos.len()];
    }
    let of_photo = |(at, photo): (usize, &&[f32])| {
        let others = photos.iter().enumerate().filter(|(other, _)| *other != at);
        let mut distances: Vec<f64> =
            others.map(|(_, other)| (1.0 - cosine(photo, other)).max(0.0)).collect();
        distances.select_nth_unstable_by(nearest - 1, f64::total_cmp);
        // In order, so that the sum does not depend on how the selection left them.
        distances[..nearest].sort_by(f64::total_cmp);
        distances[..nearest].iter().sum::<f64>() / nearest as f64
    };
    photos.par_iter().enumerate().map(of_photo).collect()
}
