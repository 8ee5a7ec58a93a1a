//! Sharpness, as Pillow's `ImageEnhance.Sharpness`.

use image::RgbImage;

use crate::color::blend;

/// `adjust_sharpness`: towards or away from a smoothed photo.
///
/// Source: Pillow 13, `ImageEnhance.py`, and the filter `SMOOTH` of `ImageFilter.py`.
pub(super) fn adjust_sharpness(photo: &mut RgbImage, factor: f64) {
    let smooth = smoothed(photo);
    for (value, smooth) in photo.iter_mut().zip(smooth.as_raw()) {
        *value = blend(*smooth, *value, factor as f32);
    }
}

/// Averages each pixel, five times, with its eight neighbours. Pixels at the edge stay.
fn smoothed(photo: &RgbImage) -> RgbImage {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let mut smooth = photo.clone();
    if width < 3 || height < 3 {
        return smooth;
    }
    let stride = 3 * width;
    let levels: &[u8] = photo.as_raw();
    for (y, row) in smooth.chunks_exact_mut(stride).enumerate().skip(1).take(height - 2) {
        let [above, own, below] = [y - 1, y, y + 1].map(|y| &levels[y * stride..(y + 1) * stride]);
        for at in 3..stride - 3 {
            let three = |row: &[u8]| {
                [at - 3, at, at + 3].into_iter().map(|at| u32::from(row[at])).sum::<u32>()
            };
            let sum = three(above) + three(own) + three(below) + 4 * u32::from(own[at]);
            // Pillow sums floats. No whole number over 13 is near a half, so both round alike.
            row[at] = ((2 * sum + 13) / 26) as u8;
        }
    }
    smooth
}
