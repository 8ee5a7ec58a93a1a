//! What the golden tests share.
#![allow(dead_code)] // Each test binary uses its own part.

use std::path::{Path, PathBuf};

use image::RgbImage;

/// A folder of fixtures.
pub fn fixture(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(case)
}

/// The photo of `tools/fixtures/photo_formula.py`.
pub fn photo(width: u32, height: u32, salt: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([0, 1, 2].map(|c: u32| {
            let mut h = x.wrapping_mul(0x9E37_79B1)
                ^ y.wrapping_mul(0x85EB_CA77)
                ^ (c + salt).wrapping_mul(0xC2B2_AE3D);
            h ^= h >> 15;
            h = h.wrapping_mul(0x2C1B_3C6D);
            h ^= h >> 12;
            h = h.wrapping_mul(0x297A_2D39);
            h ^= h >> 15;
            let slope = x * (2 + salt % 3) + y * (3 - salt % 2) + c * 60;
            let wave = match slope % 512 {
                rising @ 0..256 => rising,
                falling => 511 - falling,
            };
            let block = ((x / 9 + y / 7) % 2) * 40;
            ((wave * 150) / 255 + block + h % 64) as u8
        }))
    })
}

/// A picture unlike the others: large shapes from a salt, so that no two look alike by chance.
pub fn drawn(salt: u32) -> RgbImage {
    let noise = photo(7, 6, salt * 31 + 7);
    let noise = image::imageops::resize(&noise, 96, 80, image::imageops::FilterType::Nearest);
    let mut picture = noise;
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let h = ((x / 16 + 8 * (y / 16) + 64 * salt).wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995)
            .wrapping_mul(0x85EB_CA77);
        let level = (h >> 24) as u8;
        pixel.0 = pixel.0.map(|value| value / 4 + level / 4 * 3);
    }
    picture
}

/// Writes a picture, and the folders above it.
pub fn save(picture: &RgbImage, path: impl AsRef<Path>) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// How two lists of grey levels differ.
#[derive(Debug)]
pub struct Difference {
    pub max: u8,
    pub share_above_one: f64,
    pub mean: f64,
}

pub fn difference(found: &[u8], expected: &[u8]) -> Difference {
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    Difference {
        max: apart.clone().max().unwrap_or(0),
        share_above_one: apart.clone().filter(|&d| d > 1).count() as f64 / found.len() as f64,
        mean: apart.map(f64::from).sum::<f64>() / found.len() as f64,
    }
}
