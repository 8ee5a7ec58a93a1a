//! Shears and translations, as torchvision's `affine` on Pillow images.
//!
//! Source: torchvision 0.29, `functional.py` (`_get_inverse_affine_matrix`) and `autoaugment.py`;
//! Pillow 13, `Geometry.c`.

use image::RgbImage;

use crate::affine::affine_nearest;

/// Shifts each row by `magnitude` pixels more than the row above it. The first row stays.
pub(super) fn shear_x(photo: &RgbImage, magnitude: f64) -> RgbImage {
    affine_nearest(photo, [1.0, shear(magnitude), 0.0, 0.0, 1.0, 0.0])
}

/// Shifts each column by `magnitude` pixels more than the column before it. The first column stays.
pub(super) fn shear_y(photo: &RgbImage, magnitude: f64) -> RgbImage {
    affine_nearest(photo, [1.0, 0.0, 0.0, shear(magnitude), 1.0, 0.0])
}

/// The tangent of the angle that torchvision makes of a magnitude, by way of degrees.
fn shear(magnitude: f64) -> f64 {
    magnitude.atan().to_degrees().to_radians().tan()
}

/// Moves the photo to the right, by whole pixels. The fraction is dropped.
pub(super) fn translate_x(photo: &RgbImage, magnitude: f64) -> RgbImage {
    affine_nearest(photo, [1.0, 0.0, -magnitude.trunc(), 0.0, 1.0, 0.0])
}

/// Moves the photo down, by whole pixels. The fraction is dropped.
pub(super) fn translate_y(photo: &RgbImage, magnitude: f64) -> RgbImage {
    affine_nearest(photo, [1.0, 0.0, 0.0, 0.0, 1.0, -magnitude.trunc()])
}
