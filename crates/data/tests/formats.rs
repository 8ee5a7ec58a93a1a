//! Every format against Pillow's RGB.

mod common;

use common::{difference, fixture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    file: String,
    mode: String,
    width: u32,
    height: u32,
}

/// Lossless formats are exact. JPEG leaves the inverse transform and the upsampling of colour to the decoder: zune-jpeg and
/// libjpeg-turbo differ by rounding, by at most 2 levels at full colour resolution, and by up to 3 where half-resolution
/// colour is interpolated (in two roundings here, in one there). `decode.rs` has what was measured on real photos.
fn tolerance(file: &str) -> (u8, f64) {
    match file {
        "progressive.jpg" | "rgb_420.jpg" | "rgb_422.jpg" => (3, 0.5),
        _ if file.ends_with(".jpg") => (2, 0.05),
        _ => (0, 0.0),
    }
}

#[test]
fn every_format_gives_the_rgb_of_pillow() {
    let folder = fixture("formats");
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let expected = std::fs::read(folder.join(format!("{}.rgb", case.file))).unwrap();
        let photo = kennel_data::read_photo(&folder.join(&case.file)).unwrap();
        assert_eq!(photo.dimensions(), (case.width, case.height), "{}", case.file);
        let apart = difference(photo.as_raw(), &expected);
        let (max, mean) = tolerance(&case.file);
        assert!(apart.max <= max && apart.mean <= mean, "{} ({}): {apart:?}", case.file, case.mode);
    }
}

#[test]
fn every_truncated_file_is_an_error() {
    let folder = fixture("formats");
    for file in
        ["rgb_420.jpg", "progressive.jpg", "rgb.png", "lossless.webp", "rgb.bmp", "still.gif", "rgb.tiff"]
    {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        for share in [0.3, 0.5, 0.9] {
            let cut = &bytes[..(bytes.len() as f64 * share) as usize];
            let reason = kennel_data::decode(cut).expect_err(file).to_string();
            println!("{file} cut to {share}: {reason}");
        }
    }
}

#[test]
fn what_is_not_a_photo_says_what_it_is() {
    let reason = |bytes: &[u8]| kennel_data::decode(bytes).unwrap_err().to_string();
    assert_eq!(reason(b""), "empty file");
    assert_eq!(reason(b"shopping list\n- milk\n"), r#"not an image: begins with "shopping list\n- ""#);
    assert!(reason(b"\0\0\0\x18ftypheic\0\0\0\0").contains("HEIC"));
    assert!(reason(b"\xFF\xD8\xFF\xE0").starts_with("truncated"));
}

#[test]
fn a_header_that_claims_four_billion_pixels_costs_nothing() {
    let mut png = std::fs::read(fixture("formats").join("rgb.png")).unwrap();
    png[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    // The checksum of the header, so that only the size is wrong.
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let reason = kennel_data::decode(&png).unwrap_err().to_string();
    assert!(reason.contains("65535 x 65535 pixels, at most 200 million"), "{reason}");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
            },
        )
    })
}

#[test]
fn damaged_bytes_are_an_error_or_a_picture_and_never_more() {
    let mut state = 42u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let mut damaged = 0;
    for entry in std::fs::read_dir(fixture("formats")).unwrap() {
        let path = entry.unwrap().path();
        if matches!(path.extension().and_then(|e| e.to_str()), Some("rgb" | "json" | "txt")) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for _ in 0..40 {
            let mut copy = bytes.clone();
            for _ in 0..1 + draw(8) {
                let at = draw(copy.len());
                copy[at] = draw(256) as u8;
            }
            damaged += usize::from(kennel_data::decode(&copy).is_err());
        }
    }
    assert!(damaged > 100, "{damaged}");
}
