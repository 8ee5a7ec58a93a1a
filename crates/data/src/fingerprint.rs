//! What a photo looks like, in 1 KiB: to find the same picture again after it was re-encoded, resized or trimmed.
//!
//! A thumbnail of 32 by 32 grey values says how alike two photos are: its correlation does not mind brightness and
//! contrast. A 256-bit difference hash (is a cell brighter than its right neighbour?) only says which pairs are worth
//! that comparison, so that 20,000 photos are compared in seconds.

use image::RgbImage;

use crate::color::grey;
use crate::resample::{Filter, resample};
use crate::resize::Window;

const THUMBNAIL: u32 = 32;
const HASH: u32 = 16;

/// The look of one photo.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    hash: [u64; 4],
    /// Mean 0, length 1; all zeros for a photo of one colour.
    thumbnail: Box<[f32]>,
}

impl Fingerprint {
    /// The look of a photo.
    pub fn new(photo: &RgbImage) -> Self {
        // One reading of the photo; both grids come from a finer one.
        let fine = shrink(photo, (2 * THUMBNAIL + 4, 2 * THUMBNAIL));
        let cells = greys(&shrink(&fine, (HASH + 1, HASH)));
        let mut hash = [0; 4];
        for (row, cells) in cells.chunks_exact(HASH as usize + 1).enumerate() {
            for (column, pair) in cells.windows(2).enumerate() {
                let bit = row * HASH as usize + column;
                hash[bit / 64] |= u64::from(pair[0] > pair[1]) << (bit % 64);
            }
        }
        Self { hash, thumbnail: standardise(&greys(&shrink(&fine, (THUMBNAIL, THUMBNAIL)))) }
    }

    /// In how many of the 256 bits the hashes differ.
    pub fn hash_distance(&self, other: &Self) -> u32 {
        self.hash.iter().zip(&other.hash).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Correlation of the thumbnails, in [-1, 1].
    pub fn correlation(&self, other: &Self) -> f32 {
        self.thumbnail.iter().zip(&other.thumbnail).map(|(a, b)| a * b).sum()
    }
}

fn shrink(photo: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    resample(photo, (width, height), Window { left: 0, top: 0, width, height }, Filter::Box)
}

fn greys(photo: &RgbImage) -> Vec<u8> {
    photo.pixels().map(|pixel| grey(pixel.0)).collect()
}

fn standardise(values: &[u8]) -> Box<[f32]> {
    let mean = values.iter().map(|&v| f32::from(v)).sum::<f32>() / values.len() as f32;
    let length = values.iter().map(|&v| (f32::from(v) - mean).powi(2)).sum::<f32>().sqrt();
    // Less than a grey level apart on average: one colour, whose noise would look like anything.
    let scale = if length < (values.len() as f32).sqrt() { 0.0 } else { 1.0 / length };
    values.iter().map(|&v| (f32::from(v) - mean) * scale).collect()
}
