//! Brightness, contrast, saturation and hue, as torchvision's `ColorJitter` changes them on Pillow
//! images.
//!
//! Source: torchvision 0.29, `_functional_pil.py`; Pillow 13, `ImageEnhance.py`, `Blend.c` and
//! `Convert.c`, with their integer rounding.

use image::RgbImage;

/// `adjust_brightness`: towards or away from black.
pub fn adjust_brightness(photo: &mut RgbImage, factor: f64) {
    for value in photo.iter_mut() {
        *value = blend(0, *value, factor as f32);
    }
}

/// `adjust_contrast`: towards or away from the photo's mean grey.
pub fn adjust_contrast(photo: &mut RgbImage, factor: f64) {
    let count = (photo.width() as usize * photo.height() as usize).max(1);
    let sum: u64 = photo.pixels().map(|pixel| u64::from(grey(pixel.0))).sum();
    let mean = (sum as f64 / count as f64 + 0.5) as u8;
    for value in photo.iter_mut() {
        *value = blend(mean, *value, factor as f32);
    }
}

/// `adjust_saturation`: towards or away from each pixel's grey.
pub fn adjust_saturation(photo: &mut RgbImage, factor: f64) {
    for pixel in photo.pixels_mut() {
        let grey = grey(pixel.0);
        for value in &mut pixel.0 {
            *value = blend(grey, *value, factor as f32);
        }
    }
}

/// `adjust_hue`: around the colour circle by `turns` in [-0.5, 0.5].
pub fn adjust_hue(photo: &mut RgbImage, turns: f64) {
    let shift = (turns * 255.0) as i32 as u8;
    for pixel in photo.pixels_mut() {
        let [hue, saturation, value] = rgb_to_hsv(pixel.0);
        pixel.0 = hsv_to_rgb([hue.wrapping_add(shift), saturation, value]);
    }
}

/// Pillow's `convert("L")`.
pub(crate) fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// Pillow's `Image.blend`, which truncates between the two and clips outside.
pub(crate) fn blend(from: u8, to: u8, alpha: f32) -> u8 {
    (f32::from(from) + alpha * (f32::from(to) - f32::from(from))) as u8
}

fn rgb_to_hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max == min {
        return [0, 0, max];
    }
    let range = f32::from(max - min);
    let saturation = range / f32::from(max);
    let [rc, gc, bc] = [r, g, b].map(|value| f32::from(max - value) / range);
    // Pillow mixes float variables with double constants; so does this code.
    let hue = if r == max {
        bc - gc
    } else if g == max {
        (2.0 + f64::from(rc) - f64::from(bc)) as f32
    } else {
        (4.0 + f64::from(gc) - f64::from(rc)) as f32
    };
    let hue = ((f64::from(hue) / 6.0 + 1.0) % 1.0) as f32;
    [(f64::from(hue) * 255.0) as u8, (f64::from(saturation) * 255.0) as u8, max]
}

fn hsv_to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sector_and_rest = (f64::from(hue) * 6.0 / 255.0) as f32;
    let sector = sector_and_rest.floor();
    let rest = f64::from(sector_and_rest - sector);
    let s = f64::from((f64::from(saturation) / 255.0) as f32);
    let v = f64::from(value);
    let p = (v * (1.0 - s)).round() as u8;
    let q = (v * (1.0 - s * rest)).round() as u8;
    let t = (v * (1.0 - s * (1.0 - rest))).round() as u8;
    match sector as u8 % 6 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    }
}
