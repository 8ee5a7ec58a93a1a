//! A photo's fingerprint of 4.5 KiB: it finds the photo again after re-encoding, resizing,
//! brightening, trimming or mirroring.

use std::f32::consts::PI;

use image::RgbImage;
use xxhash_rust::xxh3::xxh3_128;

use crate::structure::{SIDE, detail, dot};
use crate::thumbnail::thumbnail;

/// Frequencies of a [`Sketch`] along each axis.
const FREQUENCIES: usize = 8;
/// Number of values of a sketch.
pub(crate) const SKETCH: usize = FREQUENCIES * FREQUENCIES;
/// Number of values that mirroring the photo leaves as they are; the others change their sign.
pub(crate) const EVEN: usize = SKETCH / 2;

/// A photo's coarse look: its lowest frequencies without the mean, with length 1. It selects the
/// pairs that are worth a comparison.
pub(crate) type Sketch = [f32; SKETCH];

/// What one photo looks like.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    width_px: u32,
    height_px: u32,
    /// XXH3 of the decoded pixels.
    pixels: u128,
    /// Grey values, [`SIDE`] by [`SIDE`].
    thumbnail: Box<[u8]>,
    sketch: Sketch,
    detail: u8,
}

impl Fingerprint {
    /// Computes the fingerprint of a photo.
    pub fn new(photo: &RgbImage) -> Self {
        // Compiled once for every instruction set that pulp knows.
        pulp::Arch::new().dispatch(|| Self::look(photo))
    }

    #[inline(always)]
    fn look(photo: &RgbImage) -> Self {
        let (width_px, height_px) = photo.dimensions();
        let thumbnail: Box<[u8]> =
            thumbnail(photo).into_iter().map(|value| value.round() as u8).collect();
        let values: Vec<f32> = thumbnail.iter().map(|&value| value.into()).collect();
        Self {
            width_px,
            height_px,
            pixels: xxh3_128(photo.as_raw()),
            sketch: sketch(&values),
            detail: detail(&values).min(255) as u8,
            thumbnail,
        }
    }

    /// Whether both photos have the same pixels.
    pub fn has_pixels_of(&self, other: &Self) -> bool {
        self.pixels_key() == other.pixels_key()
    }

    /// A key that only photos with the same pixels share.
    pub(crate) fn pixels_key(&self) -> (u32, u32, u128) {
        (self.width_px, self.height_px, self.pixels)
    }

    /// Number of windows with fine detail, of 225.
    pub fn detail(&self) -> usize {
        self.detail.into()
    }

    pub(crate) fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    /// Natural logarithm of width over height.
    pub(crate) fn aspect(&self) -> f32 {
        (self.width_px as f32 / self.height_px as f32).ln()
    }

    /// Returns the grey values, mirrored if asked.
    pub(crate) fn thumbnail(&self, mirrored: bool) -> Vec<f32> {
        let mut values: Vec<f32> = self.thumbnail.iter().map(|&value| value.into()).collect();
        if mirrored {
            values.chunks_exact_mut(SIDE).for_each(<[f32]>::reverse);
        }
        values
    }
}

/// Correlates two sketches: as they are, and with one of them mirrored.
#[inline(always)]
pub(crate) fn correlations(a: &Sketch, b: &Sketch) -> [f32; 2] {
    let (even, odd) = (dot(&a[..EVEN], &b[..EVEN]), dot(&a[EVEN..], &b[EVEN..]));
    [even + odd, even - odd]
}

/// Returns a sketch that a photo and its mirrored copy share.
pub(crate) fn unmirrored(sketch: &Sketch) -> Sketch {
    let mut sketch = *sketch;
    sketch[EVEN..].iter_mut().for_each(|value| *value = value.abs());
    sketch
}

/// Computes the lowest frequencies of a thumbnail's discrete cosine transform. Higher ones weigh
/// more, because photos have less of them.
#[inline(always)]
fn sketch(thumbnail: &[f32]) -> Sketch {
    let cosine = |frequency: usize, at: usize| {
        (PI * frequency as f32 * (at as f32 + 0.5) / SIDE as f32).cos()
    };
    let mut rows = [[0.0f32; FREQUENCIES]; SIDE];
    let table: Vec<[f32; FREQUENCIES]> =
        (0..SIDE).map(|at| std::array::from_fn(|frequency| cosine(frequency, at))).collect();
    for (row, out) in thumbnail.chunks_exact(SIDE).zip(&mut rows) {
        for (value, cosines) in row.iter().zip(&table) {
            (0..FREQUENCIES).for_each(|u| out[u] += value * cosines[u]);
        }
    }
    let coefficient = |u: usize, v: usize| {
        let sum: f32 = rows.iter().zip(&table).map(|(row, cosines)| row[u] * cosines[v]).sum();
        // The mean has no weight.
        sum * ((u * u + v * v) as f32).sqrt().sqrt()
    };
    let mut sketch: Sketch = std::array::from_fn(|at| {
        let (odd, at) = (at / EVEN, at % EVEN);
        coefficient(2 * (at % (FREQUENCIES / 2)) + odd, at / (FREQUENCIES / 2))
    });
    let length = dot(&sketch, &sketch).sqrt();
    // Values differ by less than a grey level on average: a single colour, whose noise would look
    // like anything.
    let scale = if length < (SIDE * SIDE) as f32 / 2.0 { 0.0 } else { 1.0 / length };
    sketch.iter_mut().for_each(|value| *value *= scale);
    sketch
}
