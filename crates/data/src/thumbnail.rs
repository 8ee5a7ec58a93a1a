//! Reduces a photo of any size to a small picture of grey values. Fine lines leave no stripes, so a
//! photo and its copy of half the size have the same thumbnail.

use image::RgbImage;

use crate::structure::SIDE;

/// Averages exact areas on a grid of twice the side, then applies the binomial 1 3 3 1 along both
/// axes.
#[inline(always)]
pub(crate) fn thumbnail(photo: &RgbImage) -> Vec<f32> {
    let fine = 2 * SIDE;
    halved(&halved(&area_means(photo, fine), fine), fine)
}

/// Returns grey values on a grid of `side` by `side`: for each cell, the mean over the part of the
/// photo that it covers.
#[inline(always)]
fn area_means(photo: &RgbImage, side: usize) -> Vec<f32> {
    /// Weights of red, green and blue, as in Pillow's `convert("L")`.
    const GREY: [f32; 3] = [0.299, 0.587, 0.114];
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let mut out = Vec::with_capacity(side * side);
    let mut sums = vec![0.0f32; 3 * width];
    let mut greys = vec![0.0f32; width];
    let across: Vec<Vec<(usize, f32)>> =
        (0..side).map(|cell| covered(cell, side, width).collect()).collect();
    for row in 0..side {
        sums.fill(0.0);
        for (y, weight) in covered(row, side, height) {
            let values = &photo.as_raw()[3 * width * y..3 * width * (y + 1)];
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += weight * f32::from(value));
        }
        for (grey, sums) in greys.iter_mut().zip(sums.chunks_exact(3)) {
            *grey = GREY[0] * sums[0] + GREY[1] * sums[1] + GREY[2] * sums[2];
        }
        let mean = |pixels: &Vec<(usize, f32)>| -> f32 {
            pixels.iter().map(|&(x, weight)| weight * greys[x]).sum()
        };
        out.extend(across.iter().map(mean));
    }
    out
}

/// Returns the pixels under a cell, and the share of the cell that each covers.
#[inline(always)]
fn covered(cell: usize, cells: usize, pixels: usize) -> impl Iterator<Item = (usize, f32)> {
    let scale = pixels as f32 / cells as f32;
    let (from, to) = (cell as f32 * scale, (cell + 1) as f32 * scale);
    let last = (to.ceil() as usize).min(pixels);
    (from as usize..last).map(move |at| {
        let overlap = to.min((at + 1) as f32) - from.max(at as f32);
        (at, overlap.max(0.0) / scale)
    })
}

/// Halves the rows with the binomial 1 3 3 1. Transposes: rows come out as columns.
#[inline(always)]
fn halved(picture: &[f32], width: usize) -> Vec<f32> {
    let height = picture.len() / width;
    let mut turned = vec![0.0; picture.len() / 2];
    for (y, row) in picture.chunks_exact(width).enumerate() {
        for x in 0..width / 2 {
            let [a, b, c, d] = [2 * x, 2 * x + 1, 2 * x + 2, 2 * x + 3]
                .map(|at| row[at.saturating_sub(1).min(width - 1)]);
            turned[x * height + y] = (a + 3.0 * (b + c) + d) / 8.0;
        }
    }
    turned
}
