//! Evaluation pixels with every crop mode against timm on Pillow images.

mod common;

use common::{difference, fixture, photo};
use kennel_core::{CropMode, Interpolation, Preprocessing};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    file: String,
    width: u32,
    height: u32,
    salt: u32,
    side: u32,
    crop_pct: f64,
    crop_mode: CropMode,
    interpolation: Interpolation,
    mean: [f32; 3],
}

/// The promise is one grey level on 99.9 % of values. The arithmetic is Pillow's, so all values are
/// equal.
#[test]
fn every_crop_mode_is_that_of_timm_bit_for_bit() {
    let folder = fixture("crop_modes");
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    for crop_mode in CropMode::ALL {
        assert!(cases.iter().any(|case| case.crop_mode == crop_mode));
    }
    for case in cases {
        let input = photo(case.width, case.height, case.salt);
        let expected = std::fs::read(folder.join(&case.file)).unwrap();
        let preprocessing = Preprocessing {
            crop_mode: case.crop_mode,
            mean: case.mean,
            ..Preprocessing::imagenet(case.side, case.crop_pct, case.interpolation)
        };
        let apart = difference(&kennel_data::prepare_pixels(&input, &preprocessing), &expected);
        assert_eq!(apart.max, 0, "{case:?}: {apart:?}");
    }
}
