//! Every kind of JPEG against Pillow's pixels: `tools/fixtures/jpeg_grid.py` has what each file is.

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::fixture;
use kennel_core::files::sha256_bytes;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    file: String,
    #[serde(flatten)]
    pillow: Pillow,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pillow {
    Reads { width: u32, height: u32, sha256: String },
    Refuses { error: String },
}

/// Files that are not read, and their errors.
const NOT_READ: [(&str, &str); 21] = [
    ("apart-partly-1x1_1x1_1x1.jpg", PARTLY),
    ("apart-partly-1x2_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2-1x1_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2-1x2_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2-2x1_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2-2x2_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2x1_1x1_1x1.jpg", PARTLY),
    ("apart-partly-2x2_1x1_1x1.jpg", PARTLY),
    ("cut-progressive-60.jpg", "truncated: "),
    ("flipped-restart.jpg", "damaged JPEG: invalid Huffman code"),
    ("fractional.jpg", "unsupported image: a JPEG of fractional sampling (3x1, 2x1, 2x1)"),
    (
        "height-behind-the-scan.jpg",
        "unsupported image: a JPEG that gives its height behind its first scan",
    ),
    ("hierarchical.jpg", "unsupported image: a hierarchical JPEG"),
    ("lossless-arithmetic.jpg", "unsupported image: a lossless JPEG"),
    ("lossless.jpg", "unsupported image: a lossless JPEG"),
    ("no-end-arithmetic.jpg", "truncated: no end-of-image marker in "),
    ("no-end-baseline.jpg", "truncated: no end-of-image marker in "),
    ("no-end-progressive.jpg", "truncated: no end-of-image marker in "),
    ("no-end-restart.jpg", "truncated: no end-of-image marker in "),
    ("twelve-bits.jpg", "unsupported image: a JPEG of 12 bits a sample"),
    ("two-components.jpg", "unsupported image: a JPEG of 2 components"),
];

const PARTLY: &str =
    "unsupported image: a JPEG that is not progressive and has 2 of 3 components in a scan";

#[test]
fn every_kind_of_jpeg_has_the_pixels_of_pillow_or_a_word_for_what_it_is() {
    let folder = fixture("jpeg_grid");
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 300, "{}", cases.len());
    let not_read = BTreeMap::from(NOT_READ);
    let mut wrong = Vec::new();
    for Case { file, pillow } in &cases {
        let found = kennel_data::read_photo(&folder.join(file));
        let right = match (&found, pillow, not_read.get(file.as_str())) {
            (Ok(photo), Pillow::Reads { width, height, sha256 }, None) => {
                photo.dimensions() == (*width, *height) && sha256_bytes(photo.as_raw()) == *sha256
            }
            (Err(reason), _, Some(word)) => reason.to_string().contains(word),
            _ => false,
        };
        if !right {
            let found = found.map(|photo| photo.dimensions()).map_err(|reason| reason.to_string());
            let pillow = match pillow {
                Pillow::Reads { .. } => "reads it",
                Pillow::Refuses { error } => error,
            };
            wrong.push(format!("{file}: {found:?}, Pillow: {pillow}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn damaged_and_hostile_jpegs_cause_no_panic_and_take_bounded_time() {
    let mut state = 7u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let mut slowest = (Duration::ZERO, String::new());
    let mut decode = |bytes: &[u8], name: &str| {
        let start = Instant::now();
        let found = kennel_data::decode(bytes);
        if start.elapsed() > slowest.0 {
            slowest = (start.elapsed(), format!("{name}: {:?}", found.as_ref().map(|_| "read")));
        }
        let found = found.map(|_| ()).map_err(|reason| reason.to_string());
        // `decode` says this if a decoder panicked.
        assert!(
            !found.as_ref().is_err_and(|reason| reason.contains("gave up")),
            "{name}: {bytes:?}"
        );
        found
    };

    let (mut read, mut refused) = (0, 0);
    let mut files: Vec<_> = std::fs::read_dir(fixture("jpeg_grid"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "jpg")) {
        let name = path.file_name().unwrap().to_string_lossy();
        let bytes = std::fs::read(path).unwrap();
        if bytes.len() > 5_000 {
            continue;
        }
        for _ in 0..12 {
            let mut copy = bytes.clone();
            match draw(4) {
                0 => {
                    copy.truncate(draw(copy.len()));
                    copy.extend([0xFF, 0xD9]);
                }
                1 => {
                    let at = draw(copy.len());
                    copy.splice(at..at, (0..1 + draw(30)).map(|_| draw(256) as u8));
                }
                _ => {
                    for _ in 0..1 + draw(6) {
                        let at = 2 + draw(copy.len() - 2);
                        copy[at] = draw(256) as u8;
                    }
                }
            }
            match decode(&copy, &name) {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }

    let whole = std::fs::read(fixture("jpeg_grid").join("progressive-2x2_1x1_1x1.jpg")).unwrap();
    // 65,000 x 65,000 pixels in the header.
    let frame = whole.windows(2).position(|pair| pair == [0xFF, 0xC2]).unwrap();
    let mut huge = whole.clone();
    huge[frame + 5..frame + 9].copy_from_slice(&[0xFD, 0xE8, 0xFD, 0xE8]);
    let reason = decode(&huge, "huge").unwrap_err();
    assert!(reason.contains("65000 x 65000 pixels, at most 200 million"), "{reason}");
    // 100,000 scans, of a picture of 30 megapixels.
    let scan = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let length = 2 + usize::from(whole[scan + 3]);
    let mut bomb = whole[..scan].to_vec();
    bomb[frame + 5..frame + 9].copy_from_slice(&[0x15, 0x7C, 0x15, 0x7C]);
    for _ in 0..100_000 {
        bomb.extend(&whole[scan..scan + length]);
        bomb.push(0);
    }
    bomb.extend([0xFF, 0xD9]);
    let reason = decode(&bomb, "bomb").unwrap_err();
    assert!(reason.contains("scan"), "{reason}");

    assert!(read > 300 && refused > 300, "{read} read, {refused} refused");
    println!("{read} read, {refused} refused, slowest {slowest:?}");
    assert!(slowest.0 < Duration::from_secs(2), "{slowest:?}");
}
