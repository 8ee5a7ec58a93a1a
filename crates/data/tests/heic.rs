//! HEIC photos, as pillow-heif reads them.
#![cfg(feature = "heic")]

use std::path::PathBuf;

use kennel_data::{DecodeError, decode, taken};

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/heic");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn pixels_are_those_of_pillow_heif_up_to_how_colours_are_filled_in() {
    // With a colour for every pixel, only rounding differs. With one for four, the decoder here
    // fills in smoothly, where libheif repeats the nearest.
    for (name, width, height, mean, most) in [
        ("whole.heic", 72, 64, 0.6, 3),
        ("halved.heic", 72, 64, 2.5, 25),
        ("turned.heic", 64, 72, 2.5, 25),
    ] {
        let decoded = decode(&fixture(name)).unwrap();
        assert_eq!(decoded.photo.dimensions(), (width, height), "{name}");
        let expected = fixture(&format!("{name}.rgb"));
        let differences: Vec<u8> =
            decoded.photo.as_raw().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).collect();
        assert_eq!(differences.len(), expected.len(), "{name}");
        let sum: f64 = differences.iter().copied().map(f64::from).sum();
        let found = (sum / differences.len() as f64, *differences.iter().max().unwrap());
        assert!(found.0 <= mean && found.1 <= most, "{name}: mean and most {found:?}");
    }
}

#[test]
fn the_time_of_a_photo_is_read() {
    let taken = taken(&fixture("turned.heic")).unwrap();
    assert_eq!((taken.time.as_str(), taken.camera.as_str()), ("2026:02:07 16:55:41", "Kennel"));
}

#[test]
fn no_cut_and_no_changed_byte_gives_more_than_an_error() {
    let whole = fixture("halved.heic");
    for length in 0..whole.len() {
        let error = decode(&whole[..length]).map(|decoded| decoded.photo.dimensions());
        assert!(error.is_err(), "{length} of {} bytes: {error:?}", whole.len());
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        // Some bytes mean nothing, and some only other pixels.
        if let Err(error) = decode(&bytes) {
            let given_up = matches!(&error, DecodeError::Damaged { format: "image", .. });
            assert!(!given_up, "the decoder gave up, byte {at}: {error}");
        }
    }
}
