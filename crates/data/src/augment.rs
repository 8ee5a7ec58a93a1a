//! Augments training photos at random, from the stream of (seed, view, photo).

use image::RgbImage;
use kennel_core::{Augmentation, Preprocessing};

use crate::chance::Chance;
use crate::color::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};
use crate::crop::crop;
use crate::erase::{erase, erasing_window};
use crate::policy;
use crate::resize::normalise;
use crate::rotate::rotate;

/// Returns one augmented view of a photo: crop, flip, policy, rotation, colour jitter,
/// normalisation, erasing, in this order and as torchvision 0.29 defines them on Pillow images. A
/// pure function: the same arguments give the same planes, on every thread of every machine.
///
/// `view` is the epoch, or the number of the cached view. `photo_index` is the photo's stable index
/// in its data set.
///
/// # Shapes
///
/// `[3, side, side]`, f32, RGB, normalised.
pub fn augment(
    photo: &RgbImage,
    augmentation: &Augmentation,
    preprocessing: &Preprocessing,
    seed: u64,
    view: u64,
    photo_index: u64,
) -> Vec<f32> {
    let mut chance = Chance::new(seed, "augment", &[view, photo_index]);
    let mut pixels = crop(photo, &augmentation.crop, preprocessing, &mut chance);
    if augmentation.flip > 0.0 && chance.happens(augmentation.flip) {
        image::imageops::flip_horizontal_in_place(&mut pixels);
    }
    for step in policy::draw(augmentation, pixels.dimensions(), &mut chance) {
        step.apply(&mut pixels);
    }
    if augmentation.rotation_deg > 0.0 {
        let limit = augmentation.rotation_deg;
        pixels = rotate(&pixels, chance.uniform(-limit, limit));
    }
    jitter(&mut pixels, augmentation, &mut chance);
    let mut planes = vec![0.0; pixels.as_raw().len()];
    normalise(&pixels, preprocessing.mean, preprocessing.std, &mut planes);
    if augmentation.erasing > 0.0
        && chance.happens(augmentation.erasing)
        && let Some(window) = erasing_window(preprocessing.side_px, &mut chance)
    {
        erase(&mut planes, preprocessing.side_px, window);
    }
    planes
}

/// Applies `ColorJitter`: its parts in a random order, each with a factor drawn from its range.
fn jitter(pixels: &mut RgbImage, augmentation: &Augmentation, chance: &mut Chance) {
    let Augmentation { brightness, contrast, saturation, hue, .. } = *augmentation;
    if [brightness, contrast, saturation, hue].iter().all(|&amount| amount <= 0.0) {
        return;
    }
    let mut order = [0, 1, 2, 3];
    chance.shuffle(&mut order);
    let mut factor =
        |amount: f64| (amount > 0.0).then(|| chance.uniform((1.0 - amount).max(0.0), 1.0 + amount));
    let (brightness, contrast, saturation) =
        (factor(brightness), factor(contrast), factor(saturation));
    let hue = (hue > 0.0).then(|| chance.uniform(-hue.min(0.5), hue.min(0.5)));
    for part in order {
        match part {
            0 => brightness.into_iter().for_each(|factor| adjust_brightness(pixels, factor)),
            1 => contrast.into_iter().for_each(|factor| adjust_contrast(pixels, factor)),
            2 => saturation.into_iter().for_each(|factor| adjust_saturation(pixels, factor)),
            _ => hue.into_iter().for_each(|turns| adjust_hue(pixels, turns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{AugmentationPolicy, AugmentationSet, Interpolation};

    use super::*;

    fn photo() -> RgbImage {
        RgbImage::from_fn(90, 70, |x, y| image::Rgb([(x * 2) as u8, (y * 3) as u8, (x + y) as u8]))
    }

    #[test]
    fn no_augmentation_is_the_evaluation_transform() {
        let preprocessing = Preprocessing::imagenet(32, 0.875, Interpolation::Bicubic);
        let none = AugmentationSet::None.augmentation();
        let planes = augment(&photo(), &none, &preprocessing, 42, 0, 0);
        assert_eq!(planes, crate::resize::prepare(&photo(), &preprocessing));
    }

    #[test]
    fn a_view_depends_on_seed_view_and_photo_and_on_nothing_else() {
        let preprocessing = Preprocessing::imagenet(32, 0.875, Interpolation::Bilinear);
        let parts = [AugmentationSet::Light, AugmentationSet::Rrc].map(|set| Augmentation {
            hue: 0.1,
            erasing: 0.5,
            ..set.augmentation()
        });
        let trivial = Augmentation {
            policy: AugmentationPolicy::TrivialAugment,
            ..AugmentationSet::Rrc.augmentation()
        };
        for augmentation in parts.into_iter().chain([trivial]) {
            let view = |seed, view, photo_index| {
                augment(&photo(), &augmentation, &preprocessing, seed, view, photo_index)
            };
            assert_eq!(view(42, 1, 2), view(42, 1, 2));
            assert_ne!(view(42, 1, 2), view(43, 1, 2));
            assert_ne!(view(42, 1, 2), view(42, 2, 2));
            assert_ne!(view(42, 1, 2), view(42, 1, 3));
        }
    }

    #[test]
    fn half_of_the_views_are_flipped() {
        let preprocessing = Preprocessing::imagenet(8, 1.0, Interpolation::Bilinear);
        let flip = Augmentation { flip: 0.5, ..AugmentationSet::None.augmentation() };
        let plain = crate::resize::prepare(&photo(), &preprocessing);
        let flipped = (0..1000)
            .filter(|&view| augment(&photo(), &flip, &preprocessing, 1, view, 0) != plain)
            .count();
        assert!((450..550).contains(&flipped), "{flipped}");
    }
}
