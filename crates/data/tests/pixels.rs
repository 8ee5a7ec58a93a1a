//! Resize, rotation and colour against Pillow, timm and torchvision, from the same photos by
//! formula.

mod common;

use common::{difference, fixture, photo};
use kennel_core::{Interpolation, Preprocessing};
use kennel_data::Window;
use kennel_data::{RgbImage, color, crop, rotate};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    file: String,
    kind: String,
    width: u32,
    height: u32,
    salt: u32,
    #[serde(default)]
    side: u32,
    #[serde(default)]
    crop_pct: f64,
    interpolation: Option<Interpolation>,
    #[serde(default)]
    window: [u32; 4],
    #[serde(default)]
    factor: f64,
}

fn cases(kinds: &[&str]) -> Vec<(Case, RgbImage, Vec<u8>)> {
    let folder = fixture("pixels");
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| kinds.contains(&case.kind.as_str()))
        .map(|case| {
            let input = photo(case.width, case.height, case.salt);
            let expected = std::fs::read(folder.join(&case.file)).unwrap();
            (case, input, expected)
        })
        .collect();
    assert!(!cases.is_empty());
    cases
}

/// The promise is one grey level on 99.9 % of values. The arithmetic is Pillow's, so all values are
/// equal.
#[test]
fn evaluation_pixels_are_those_of_timm_and_pillow_bit_for_bit() {
    for (case, input, expected) in cases(&["evaluation"]) {
        let preprocessing =
            Preprocessing::imagenet(case.side, case.crop_pct, case.interpolation.unwrap());
        let apart = difference(&kennel_data::prepare_pixels(&input, &preprocessing), &expected);
        assert_eq!(apart.max, 0, "{case:?}: {apart:?}");
    }
}

#[test]
fn a_resized_crop_does_not_see_beyond_its_window() {
    for (case, input, expected) in cases(&["resized_crop"]) {
        let [left, top, width, height] = case.window;
        let window = Window { left, top, width, height };
        let found = crop::resized_crop(&input, window, case.side, case.interpolation.unwrap());
        let apart = difference(&found, &expected);
        assert_eq!(apart.max, 0, "{case:?}: {apart:?}");
    }
}

#[test]
fn rotation_and_colour_are_those_of_pillow_bit_for_bit() {
    for (case, mut found, expected) in
        cases(&["rotation", "brightness", "contrast", "saturation", "hue"])
    {
        match case.kind.as_str() {
            "rotation" => found = rotate::rotate(&found, case.factor),
            "brightness" => color::adjust_brightness(&mut found, case.factor),
            "contrast" => color::adjust_contrast(&mut found, case.factor),
            "saturation" => color::adjust_saturation(&mut found, case.factor),
            _ => color::adjust_hue(&mut found, case.factor),
        }
        let apart = difference(&found, &expected);
        assert_eq!(apart.max, 0, "{case:?}: {apart:?}");
    }
}
