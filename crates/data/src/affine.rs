//! Affine transforms as Pillow's `Image.transform`: nearest pixel, the same size, black outside.

use image::RgbImage;

/// Fills each pixel `(x, y)` with the one at `(a x + b y + c, d x + e y + f)`, taken between the
/// middles of pixels. `matrix` is `[a, b, c, d, e, f]`.
///
/// Source: Pillow 13, `affine_fixed` of `Geometry.c` (16.16 fixed point), bit for bit.
pub(crate) fn affine_nearest(photo: &RgbImage, matrix: [f64; 6]) -> RgbImage {
    let (width, height) = photo.dimensions();
    let fixed = |value: f64| (value * 65536.0 + 0.5).floor() as i64;
    let [a, b, c, d, e, f] = matrix;
    let (step_x, step_y) = (fixed(a), fixed(d));
    let mut row_x = fixed(c + a * 0.5 + b * 0.5);
    let mut row_y = fixed(f + d * 0.5 + e * 0.5);
    let mut turned = RgbImage::new(width, height);
    for row in turned.chunks_exact_mut(3 * width as usize) {
        let (mut x, mut y) = (row_x, row_y);
        for pixel in row.chunks_exact_mut(3) {
            let (from_x, from_y) = (x >> 16, y >> 16);
            if (0..i64::from(width)).contains(&from_x) && (0..i64::from(height)).contains(&from_y) {
                let at = 3 * (from_y as usize * width as usize + from_x as usize);
                pixel.copy_from_slice(&photo.as_raw()[at..at + 3]);
            }
            x += step_x;
            y += step_y;
        }
        row_x += fixed(b);
        row_y += fixed(e);
    }
    turned
}
