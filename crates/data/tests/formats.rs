//! Every format against Pillow's RGB.

mod common;

use std::collections::BTreeMap;

use common::{difference, fixture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    file: String,
    mode: String,
    width: u32,
    height: u32,
}

#[test]
fn every_format_gives_the_rgb_of_pillow() {
    let folder = fixture("formats");
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 90);
    for case in cases {
        let expected = std::fs::read(folder.join(format!("{}.rgb", case.file))).unwrap();
        let photo = kennel_data::read_photo(&folder.join(&case.file)).unwrap();
        assert_eq!(photo.dimensions(), (case.width, case.height), "{}", case.file);
        let apart = difference(photo.as_raw(), &expected);
        assert_eq!(apart.max, 0, "{} ({}): {apart:?}", case.file, case.mode);
    }
}

/// Returns why bytes are no photo, or none if they are one.
fn reason(bytes: &[u8]) -> Option<String> {
    kennel_data::decode(bytes).err().map(|error| error.to_string())
}

/// Returns the notes on a fixture.
fn noted(file: &str) -> Vec<String> {
    let bytes = std::fs::read(fixture("formats").join(file)).unwrap();
    kennel_data::decode(&bytes).unwrap().notes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_worth_knowing_of_a_picture_is_noted() {
    for file in ["no_iend.png", "no_checksum.png", "idat_crc.png"] {
        let notes = noted(file);
        assert!(notes.len() == 1 && notes[0].contains("pixels are all there"), "{file}: {notes:?}");
    }
    let notes = noted("twelve_bit.png");
    assert!(
        notes.len() == 1 && notes[0].contains("uses 1/16 of its range (0 to 4095)"),
        "{notes:?}"
    );
    for file in ["rgb.png", "grey16.png", "rgb16.tiff", "float.tiff", "interlaced.png"] {
        assert!(noted(file).is_empty(), "{file}");
    }
}

#[test]
fn a_png_with_wrong_pixels_is_damaged_whatever_is_lost_behind_them() {
    let png = std::fs::read(fixture("formats").join("rgb.png")).unwrap();
    // The last byte of the pixels' own checksum, and one of the pixels.
    for (at, length) in [(png.len() - 17, png.len()), (png.len() - 400, png.len() - 12)] {
        let mut wrong = png[..length].to_vec();
        wrong[at] ^= 0x10;
        let reason = reason(&wrong).expect("damage");
        assert!(reason.starts_with("damaged PNG: ") && !reason.contains("ChunkType"), "{reason}");
    }
    let palette = std::fs::read(fixture("formats").join("palette.png")).unwrap();
    let mut wrong = palette.clone();
    wrong[palette.windows(4).position(|name| name == b"PLTE").unwrap() + 5] ^= 1;
    let reason = reason(&wrong).expect("damage");
    assert_eq!(reason, "damaged PNG: the checksum of a chunk is wrong");
}

#[test]
fn pictures_that_are_not_read_are_named_by_what_they_are() {
    let folder = fixture("formats/refused");
    let names: BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(folder.join("names.json")).unwrap()).unwrap();
    for (file, name) in names {
        let reason = reason(&std::fs::read(folder.join(&file)).unwrap()).expect(&file);
        assert_eq!(reason, format!("unsupported image: {name} in TIFF"), "{file}");
    }
}

#[test]
fn a_side_of_no_pixels_is_named_in_every_format() {
    let folder = fixture("formats");
    let with_zeros = |file: &str, places: &[(usize, usize)]| {
        let mut bytes = std::fs::read(folder.join(file)).unwrap();
        places.iter().for_each(|&(at, length)| bytes[at..at + length].fill(0));
        reason(&bytes).expect(file)
    };
    for (file, place) in
        [("rgb.png", (16, 4)), ("still.gif", (6, 2)), ("still.gif", (8, 2)), ("rgb.tiff", (18, 4))]
    {
        let reason = with_zeros(file, &[place]);
        assert!(reason.starts_with("a picture without width or height: "), "{file}: {reason}");
    }
}

#[test]
fn a_decoder_that_panics_costs_its_file_and_says_nothing() {
    // The palette's length is no multiple of three: png 0.18.1 panics.
    let mut png = std::fs::read(fixture("formats").join("palette.png")).unwrap();
    let at = png.windows(4).position(|name| name == b"PLTE").unwrap();
    let length = u32::from_be_bytes(png[at - 4..at].try_into().unwrap()) as usize;
    png[at - 4..at].copy_from_slice(&(length as u32 - 1).to_be_bytes());
    png.remove(at + 4);
    let crc = crc32(&png[at..at + 4 + length - 1]);
    png[at + 3 + length..at + 7 + length].copy_from_slice(&crc.to_be_bytes());
    assert!(kennel_data::decode(&png).is_err());
    // Elsewhere, a panic is still reported.
    let told = std::panic::catch_unwind(|| panic!("told")).unwrap_err();
    assert_eq!(told.downcast_ref::<&str>(), Some(&"told"));
}

#[test]
fn every_truncated_file_is_an_error() {
    let folder = fixture("formats");
    for file in [
        "rgb_420.jpg",
        "progressive.jpg",
        "rgb.png",
        "interlaced.png",
        "lossless.webp",
        "rgb.bmp",
        "still.gif",
        "rgb.tiff",
        "planar.tiff",
        "palette_lzw.tiff",
    ] {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        for share in [0.3, 0.5, 0.9] {
            let cut = &bytes[..(bytes.len() as f64 * share) as usize];
            let reason = reason(cut).expect(file);
            println!("{file} cut to {share}: {reason}");
        }
    }
}

#[test]
fn what_is_not_a_photo_says_what_it_is() {
    let reason = |bytes: &[u8]| kennel_data::decode(bytes).unwrap_err().to_string();
    assert_eq!(reason(b""), "empty file");
    assert_eq!(
        reason(b"shopping list\n- milk\n"),
        r#"not an image: begins with "shopping list\n- ""#
    );
    assert!(reason(b"\0\0\0\x18ftypavif\0\0\0\0").contains("Avif"));
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
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
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
        if matches!(path.extension().and_then(|e| e.to_str()), None | Some("rgb" | "json" | "txt"))
        {
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
