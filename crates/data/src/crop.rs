//! Crops a training photo: `RandomCrop` after a resize, and `RandomResizedCrop`, as in torchvision.

use image::RgbImage;
use kennel_core::{Crop, Preprocessing};

use crate::chance::Chance;
use crate::resize::{prepare_pixels, resize_window, short_side_to};
use crate::window::Window;

/// Returns the square that the network sees of a photo in one view.
pub(crate) fn crop(
    photo: &RgbImage,
    crop: &Crop,
    preprocessing: &Preprocessing,
    chance: &mut Chance,
) -> RgbImage {
    let side = preprocessing.side_px;
    let interpolation = preprocessing.interpolation;
    match crop {
        Crop::Center => prepare_pixels(photo, preprocessing),
        Crop::Random { resize_ratio } => {
            let short = (f64::from(side) * resize_ratio).round() as u32;
            let resized = short_side_to(photo.dimensions(), short.max(side));
            let top = chance.below(u64::from(resized.1 - side) + 1) as u32;
            let left = chance.below(u64::from(resized.0 - side) + 1) as u32;
            resize_window(
                photo,
                resized,
                Window { left, top, width: side, height: side },
                interpolation,
            )
        }
        Crop::RandomResized { scale, ratio } => {
            let window = random_resized_window(photo.dimensions(), *scale, *ratio, chance);
            resized_crop(photo, window, side, interpolation)
        }
    }
}

/// Cuts out the window, then resizes it to `side` by `side`: the filter does not see beyond the
/// window.
pub fn resized_crop(
    photo: &RgbImage,
    window: Window,
    side: u32,
    interpolation: kennel_core::Interpolation,
) -> RgbImage {
    let Window { left, top, width, height } = window;
    let part = image::imageops::crop_imm(photo, left, top, width, height).to_image();
    resize_window(
        &part,
        (side, side),
        Window { left: 0, top: 0, width: side, height: side },
        interpolation,
    )
}

/// Draws a window of random area and shape. After ten attempts that do not fit, returns the largest
/// central window of an allowed shape. `RandomResizedCrop.get_params` of torchvision 0.29.
pub(crate) fn random_resized_window(
    (width, height): (u32, u32),
    scale: [f64; 2],
    ratio: [f64; 2],
    chance: &mut Chance,
) -> Window {
    let area = f64::from(width) * f64::from(height);
    for _ in 0..10 {
        let target = area * chance.uniform(scale[0], scale[1]);
        let aspect = chance.uniform(ratio[0].ln(), ratio[1].ln()).exp();
        let w = (target * aspect).sqrt().round_ties_even() as u32;
        let h = (target / aspect).sqrt().round_ties_even() as u32;
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let top = chance.below(u64::from(height - h) + 1) as u32;
            let left = chance.below(u64::from(width - w) + 1) as u32;
            return Window { left, top, width: w, height: h };
        }
    }
    central_window((width, height), ratio)
}

fn central_window((width, height): (u32, u32), ratio: [f64; 2]) -> Window {
    let found = f64::from(width) / f64::from(height);
    let rounded = |length: f64| (length.round_ties_even() as u32).max(1);
    let (w, h) = if found < ratio[0] {
        (width, rounded(f64::from(width) / ratio[0]).min(height))
    } else if found > ratio[1] {
        (rounded(f64::from(height) * ratio[1]).min(width), height)
    } else {
        (width, height)
    };
    Window { left: (width - w) / 2, top: (height - h) / 2, width: w, height: h }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_never_fits_falls_back_to_the_largest_central_one() {
        let ratio = [3.0 / 4.0, 4.0 / 3.0];
        assert_eq!(
            central_window((1000, 100), ratio),
            Window { left: 433, top: 0, width: 133, height: 100 }
        );
        assert_eq!(
            central_window((100, 1000), ratio),
            Window { left: 0, top: 433, width: 100, height: 133 }
        );
        assert_eq!(
            central_window((110, 100), ratio),
            Window { left: 0, top: 0, width: 110, height: 100 }
        );
        let mut chance = Chance::new(1, "augment", &[0, 0]);
        let window = random_resized_window((1000, 10), [1.0, 1.0], ratio, &mut chance);
        assert_eq!(window, central_window((1000, 10), ratio));
    }

    #[test]
    fn windows_have_the_areas_shapes_and_places_of_the_distribution() {
        // Uniform area in [0.08, 1], log-uniform shape: on a large square, attempts that do not fit
        // are few below 0.7, so the areas below 0.5 are uniform.
        let mut chance = Chance::new(7, "augment", &[0, 0]);
        let (mut areas, mut lefts) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let window = random_resized_window(
                (1000, 1000),
                [0.08, 1.0],
                [3.0 / 4.0, 4.0 / 3.0],
                &mut chance,
            );
            let shape = f64::from(window.width) / f64::from(window.height);
            assert!((0.74..1.35).contains(&shape), "{window:?}");
            areas.push(f64::from(window.width) * f64::from(window.height) / 1e6);
            lefts.push(f64::from(window.left) / f64::from(1000 - window.width).max(1.0));
        }
        assert!(areas.iter().all(|area| (0.079..=1.0).contains(area)));
        let share = |low: f64, high: f64| {
            areas.iter().filter(|area| (low..high).contains(area)).count() as f64
                / areas.len() as f64
        };
        assert!((share(0.1, 0.3) - share(0.3, 0.5)).abs() < 0.015);
        let mean = lefts.iter().sum::<f64>() / lefts.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
