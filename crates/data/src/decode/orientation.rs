//! Turning a photo upright.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

pub(super) fn upright(photo: RgbImage, orientation: Option<Orientation>) -> RgbImage {
    match orientation {
        None | Some(Orientation::NoTransforms) => photo,
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(photo);
            image.apply_orientation(orientation);
            image.into_rgb8()
        }
    }
}
