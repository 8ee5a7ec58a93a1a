//! Shades of one colour for shares, and a text colour that is readable on them.

use plotters::prelude::*;

use super::style::INK;

/// ColorBrewer's Blues: one hue, each shade darker than the one before.
const BLUES: [RGBColor; 9] = [
    RGBColor(0xF7, 0xFB, 0xFF),
    RGBColor(0xDE, 0xEB, 0xF7),
    RGBColor(0xC6, 0xDB, 0xEF),
    RGBColor(0x9E, 0xCA, 0xE1),
    RGBColor(0x6B, 0xAE, 0xD6),
    RGBColor(0x42, 0x92, 0xC6),
    RGBColor(0x21, 0x71, 0xB5),
    RGBColor(0x08, 0x51, 0x9C),
    RGBColor(0x08, 0x30, 0x6B),
];
/// The shade of a share of 0.
pub(super) const GROUND: RGBColor = BLUES[0];

/// Returns the colour of a share. The smallest share above 0 is already a fifth of the way to the
/// darkest shade: readers of a matrix without numbers look for single mistakes among many photos.
pub(super) fn shade_of(share: f64) -> RGBColor {
    shade(if share > 0.0 { 0.2 + 0.8 * share } else { 0.0 })
}

/// Returns the colour of a darkness in [0, 1], interpolated between two neighbours in [`BLUES`].
fn shade(darkness: f64) -> RGBColor {
    let at = darkness.clamp(0.0, 1.0) * (BLUES.len() - 1) as f64;
    let index = (at as usize).min(BLUES.len() - 2);
    let (RGBColor(r, g, b), RGBColor(red, green, blue)) = (BLUES[index], BLUES[index + 1]);
    let mix = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * (at - index as f64)).round() as u8
    };
    RGBColor(mix(r, red), mix(g, green), mix(b, blue))
}

/// Returns ink or white, whichever has more contrast (WCAG 2.1, "contrast ratio").
pub(super) fn readable_on(colour: RGBColor) -> RGBColor {
    let contrast = |text: RGBColor| {
        let (one, other) = (luminance(text), luminance(colour));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    };
    if contrast(WHITE) > contrast(INK) { WHITE } else { INK }
}

/// Returns the relative luminance of a colour (WCAG 2.1, "relative luminance").
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_contrast_with_their_cell_and_shades_only_darken() {
        let shades: Vec<f64> =
            (0..=100).map(|step| luminance(shade(f64::from(step) / 100.0))).collect();
        assert!(shades.windows(2).all(|pair| pair[0] > pair[1]));
        for step in 0..=100 {
            let ground = shade(f64::from(step) / 100.0);
            let (text, ground) = (luminance(readable_on(ground)), luminance(ground));
            assert!((text.max(ground) + 0.05) / (text.min(ground) + 0.05) > 3.9, "step {step}");
        }
    }

    #[test]
    fn a_single_mistake_is_seen_against_none() {
        assert!(luminance(shade_of(0.0)) - luminance(shade_of(1e-6)) > 0.2);
    }
}
