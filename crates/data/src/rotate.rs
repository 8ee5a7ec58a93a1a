//! Rotates about the centre as Pillow's `Image.rotate(angle)`: nearest pixel, the same size, black
//! outside.

use image::RgbImage;

/// Turns the photo counter-clockwise by `angle_deg`.
///
/// Source: Pillow 13, `Image.rotate` and `affine_fixed` of `Geometry.c` (16.16 fixed point), bit
/// for bit.
pub fn rotate(photo: &RgbImage, angle_deg: f64) -> RgbImage {
    let (width, height) = photo.dimensions();
    let angle_deg = angle_deg.rem_euclid(360.0);
    if angle_deg == 0.0 {
        return photo.clone();
    }
    if angle_deg == 180.0 {
        return image::imageops::rotate180(photo);
    }
    if width == height && angle_deg == 90.0 {
        return image::imageops::rotate270(photo); // `image` turns clockwise.
    }
    if width == height && angle_deg == 270.0 {
        return image::imageops::rotate90(photo);
    }

    let angle = -angle_deg.to_radians();
    let round15 = |value: f64| (value * 1e15).round_ties_even() / 1e15;
    let (cos, sin) = (round15(angle.cos()), round15(angle.sin()));
    let (center_x, center_y) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let matrix = [
        cos,
        sin,
        cos * -center_x + sin * -center_y + center_x,
        -sin,
        cos,
        -sin * -center_x + cos * -center_y + center_y,
    ];
    affine_nearest(photo, matrix)
}

fn affine_nearest(photo: &RgbImage, matrix: [f64; 6]) -> RgbImage {
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
