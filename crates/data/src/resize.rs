//! The evaluation transform of timm: resizes as Pillow does, crops the centre, and normalises to
//! planes.
//!
//! Only the pixels inside the crop are computed, so a panorama costs no more than a square.

use image::RgbImage;
use kennel_core::{CropMode, Interpolation, Preprocessing};

use crate::resample::{Filter, resample};
use crate::window::Window;

/// Returns what the network sees of a photo in evaluation, before normalisation.
///
/// Source: timm 1.0.31, `transforms_imagenet_eval` with `crop_mode`.
///
/// Differs: with [`CropMode::Border`], a photo whose short side would be resized to nothing keeps
/// one pixel of it. timm fails on it.
///
/// # Shapes
///
/// `side_px` by `side_px`.
///
/// # Panics
///
/// When the photo has no pixels, which [`crate::decode()`] never returns.
pub fn prepare_pixels(photo: &RgbImage, preprocessing: &Preprocessing) -> RgbImage {
    let side = preprocessing.side_px;
    // timm allows no crop_pct above 1; a smaller resize than the crop would have to invent a
    // border.
    let target = preprocessing.resize_px().max(side);
    let resized = match preprocessing.crop_mode {
        CropMode::Center => short_side_to(photo.dimensions(), target),
        CropMode::Squash => (target, target),
        CropMode::Border => {
            let resized = long_side_to(photo.dimensions(), target);
            return bordered(photo, resized, preprocessing);
        }
    };
    let window = center_window(resized, side);
    resize_window(photo, resized, window, preprocessing.interpolation)
}

/// Resizes the photo, crops the centre, and fills what is missing of the square with the mean
/// colour.
fn bordered(photo: &RgbImage, resized: (u32, u32), preprocessing: &Preprocessing) -> RgbImage {
    let side = preprocessing.side_px;
    let central = |length: u32| {
        let spare = f64::from(length.saturating_sub(side));
        ((spare / 2.0).round_ties_even() as u32, length.min(side))
    };
    let ((left, width), (top, height)) = (central(resized.0), central(resized.1));
    let window = Window { left, top, width, height };
    let middle = resize_window(photo, resized, window, preprocessing.interpolation);
    let mut square = RgbImage::from_pixel(side, side, image::Rgb(preprocessing.mean_level()));
    let (x, y) = ((side - width) / 2, (side - height) / 2);
    image::imageops::replace(&mut square, &middle, x.into(), y.into());
    square
}

/// Returns the network's input for one photo in evaluation.
///
/// # Shapes
///
/// `[3, side, side]`, f32, RGB, normalised.
pub fn prepare(photo: &RgbImage, preprocessing: &Preprocessing) -> Vec<f32> {
    let pixels = prepare_pixels(photo, preprocessing);
    let mut planes = vec![0.0; pixels.as_raw().len()];
    normalise(&pixels, preprocessing.mean, preprocessing.std, &mut planes);
    planes
}

/// Computes `(value / 255 - mean) / std` of each channel, in f32 as torchvision's `ToTensor` and
/// `Normalize`.
///
/// # Shapes
///
/// `planes`: `[3, height, width]`.
///
/// # Panics
///
/// When `planes` has another length.
pub fn normalise(pixels: &RgbImage, mean: [f32; 3], std: [f32; 3], planes: &mut [f32]) {
    let size = pixels.as_raw().len() / 3;
    assert_eq!(planes.len(), 3 * size, "planes of [3, {}, {}]", pixels.height(), pixels.width());
    for (channel, plane) in planes.chunks_exact_mut(size.max(1)).enumerate() {
        let levels: [f32; 256] =
            std::array::from_fn(|level| (level as f32 / 255.0 - mean[channel]) / std[channel]);
        for (out, pixel) in plane.iter_mut().zip(pixels.as_raw().chunks_exact(3)) {
            *out = levels[usize::from(pixel[channel])];
        }
    }
}

/// Returns the photo whose [`normalise`]d planes these are.
///
/// # Shapes
///
/// `planes`: `[3, side, side]`.
///
/// # Panics
///
/// When `planes` has another length.
pub fn denormalise(planes: &[f32], side: u32, mean: [f32; 3], std: [f32; 3]) -> RgbImage {
    let size = (side * side) as usize;
    assert_eq!(planes.len(), 3 * size, "planes of [3, {side}, {side}]");
    RgbImage::from_fn(side, side, |x, y| {
        let at = (y * side + x) as usize;
        let level = |channel: usize| {
            let share = planes[channel * size + at] * std[channel] + mean[channel];
            (share * 255.0).round() as u8
        };
        [level(0), level(1), level(2)].into()
    })
}

/// Returns the size whose short side is `short`. The long side is truncated, as in torchvision's
/// `Resize(int)`.
pub fn short_side_to((width, height): (u32, u32), short: u32) -> (u32, u32) {
    let long = |long_side: u32, short_side: u32| {
        (f64::from(short) * f64::from(long_side) / f64::from(short_side)) as u32
    };
    if width <= height { (short, long(height, width)) } else { (long(width, height), short) }
}

/// Returns the size whose long side is `long`. The short side is rounded, halves to even, as in
/// timm's `ResizeKeepRatio`.
fn long_side_to((width, height): (u32, u32), long: u32) -> (u32, u32) {
    // The order of the divisions is timm's: it decides some halves.
    let target = f64::from(long);
    let ratio = (f64::from(height) / target).max(f64::from(width) / target);
    let scaled = |side: u32| ((f64::from(side) / ratio).round_ties_even() as u32).max(1);
    (scaled(width), scaled(height))
}

/// Returns the middle square. Halves are rounded to even, as by Python's `round` in torchvision's
/// `center_crop`.
pub fn center_window((width, height): (u32, u32), side: u32) -> Window {
    let offset = |length: u32| (f64::from(length - side) / 2.0).round_ties_even() as u32;
    Window { left: offset(width), top: offset(height), width: side, height: side }
}

/// Resizes `photo` to `resized` and returns `window` of it, as Pillow's antialiased `resize`
/// followed by `crop`.
///
/// # Panics
///
/// When the window lies outside `resized`, or a side is zero.
pub fn resize_window(
    photo: &RgbImage,
    resized: (u32, u32),
    window: Window,
    interpolation: Interpolation,
) -> RgbImage {
    assert!(
        window.left + window.width <= resized.0 && window.top + window.height <= resized.1,
        "{window:?} lies outside {resized:?}"
    );
    let filter = match interpolation {
        Interpolation::Bilinear => Filter::Bilinear,
        Interpolation::Bicubic => Filter::Bicubic,
    };
    resample(photo, resized, window, filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_offsets_are_those_of_torchvision() {
        assert_eq!(short_side_to((500, 375), 235), (313, 235));
        assert_eq!(short_side_to((375, 500), 235), (235, 313));
        assert_eq!(short_side_to((64, 64), 256), (256, 256));
        // Python's round: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2.
        let left = |width| center_window((width, 224), 224).left;
        assert_eq!([left(225), left(227), left(229)], [0, 2, 2]);
    }

    #[test]
    fn normalised_planes_give_back_every_level() {
        let photo = RgbImage::from_fn(16, 16, |x, y| {
            let level = (16 * y + x) as u8;
            [level, 255 - level, level / 2].into()
        });
        let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        let mut planes = vec![0.0; 3 * 16 * 16];
        normalise(&photo, mean, std, &mut planes);
        assert_eq!(denormalise(&planes, 16, mean, std), photo);
    }

    #[test]
    fn a_panorama_costs_no_more_than_its_crop() {
        let panorama = RgbImage::from_pixel(200_000, 64, image::Rgb([10, 20, 30]));
        for crop_mode in CropMode::ALL {
            let center = Preprocessing::imagenet(224, 0.875, Interpolation::Bicubic);
            let preprocessing = Preprocessing { crop_mode, ..center };
            let pixels = prepare_pixels(&panorama, &preprocessing);
            assert_eq!(pixels.dimensions(), (224, 224));
            let of_photo = pixels.pixels().filter(|pixel| pixel.0 == [10, 20, 30]).count();
            let expected = if crop_mode == CropMode::Border { 224 } else { 224 * 224 };
            assert_eq!(of_photo, expected, "{crop_mode:?}");
        }
    }
}
