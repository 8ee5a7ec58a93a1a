//! Operations that map each level of a channel to another one, as Pillow's `ImageOps`.
//!
//! Source: Pillow 13, `ImageOps.py`.

use image::RgbImage;

type Levels = [u8; 256];

/// Keeps the upper `bits` of each value, 1 to 8.
pub(super) fn posterize(photo: &mut RgbImage, bits: u32) {
    let mask = 0xff_u8 << (8 - bits.clamp(1, 8));
    photo.iter_mut().for_each(|value| *value &= mask);
}

/// Inverts the values that are not below the threshold.
pub(super) fn solarize(photo: &mut RgbImage, threshold: f64) {
    let inverted = |value: u8| if f64::from(value) < threshold { value } else { 255 - value };
    photo.iter_mut().for_each(|value| *value = inverted(*value));
}

/// Inverts all values.
pub(super) fn invert(photo: &mut RgbImage) {
    photo.iter_mut().for_each(|value| *value = 255 - *value);
}

/// Stretches each channel, so that its lowest value becomes 0 and its highest 255.
pub(super) fn auto_contrast(photo: &mut RgbImage) {
    map_channels(photo, |histogram| {
        let lowest = histogram.iter().position(|&count| count > 0)?;
        let highest = histogram.iter().rposition(|&count| count > 0)?;
        if highest <= lowest {
            return None;
        }
        let scale = 255.0 / (highest - lowest) as f64;
        let offset = -(lowest as f64) * scale;
        Some(std::array::from_fn(|level| (level as f64 * scale + offset) as u8))
    });
}

/// Maps each channel, so that its levels become about equally frequent.
pub(super) fn equalize(photo: &mut RgbImage) {
    map_channels(photo, |histogram| {
        let all: u64 = histogram.iter().sum();
        let step = (all - histogram.iter().rfind(|&&count| count > 0)?) / 255;
        if step == 0 {
            return None;
        }
        let mut below = step / 2;
        Some(std::array::from_fn(|level| {
            let mapped = below / step;
            below += histogram[level];
            mapped.min(255) as u8
        }))
    });
}

/// Maps the levels of each channel by its histogram, or leaves a channel without a map as it is.
fn map_channels(photo: &mut RgbImage, map: impl Fn(&[u64; 256]) -> Option<Levels>) {
    for channel in 0..3 {
        let mut histogram = [0; 256];
        for pixel in photo.pixels() {
            histogram[usize::from(pixel[channel])] += 1;
        }
        let Some(levels) = map(&histogram) else { continue };
        for pixel in photo.pixels_mut() {
            pixel[channel] = levels[usize::from(pixel[channel])];
        }
    }
}
