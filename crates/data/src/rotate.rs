//! Rotates about the centre as Pillow's `Image.rotate(angle)`: nearest pixel, the same size, black
//! outside.

use image::RgbImage;

use crate::affine::affine_nearest;

/// Turns the photo counter-clockwise by `angle_deg`.
///
/// Source: Pillow 13, `Image.rotate`, bit for bit.
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
