//! The evidence for the threshold of near duplicates: how alike are different photos of a folder, and how alike is a photo
//! and its own re-encoded, resized, brightened or trimmed copy?
//!
//!     cargo run -p kennel-data --example near_duplicates -- photos/

use image::{DynamicImage, RgbImage};
use kennel_data::fingerprint::Fingerprint;
use rayon::prelude::*;

fn main() {
    let folder = std::env::args_os().nth(1).expect("the folder of photos");
    let mut paths: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("a readable folder").into_path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let photos: Vec<_> = paths
        .par_iter()
        .filter_map(|path| {
            let photo = kennel_data::read_photo(path).ok()?;
            let own = Fingerprint::new(&photo);
            let copies = COPIES.map(|(_, alter)| {
                let copy = Fingerprint::new(&alter(&photo));
                (own.hash_distance(&copy), own.correlation(&copy))
            });
            Some((path, own, copies))
        })
        .collect();
    println!("{} photos", photos.len());
    println!("copies: hash distance (median, 99 %, max), correlation (median, 1 %, min)");
    for (at, (name, _)) in COPIES.iter().enumerate() {
        let mut distances: Vec<_> = photos.iter().map(|photo| photo.2[at].0).collect();
        let mut correlations: Vec<_> = photos.iter().map(|photo| photo.2[at].1).collect();
        distances.sort_unstable();
        correlations.sort_by(f32::total_cmp);
        let n = photos.len();
        println!(
            "{name:12} {:4} {:4} {:4}   {:.4} {:.4} {:.4}",
            distances[n / 2],
            distances[n * 99 / 100],
            distances[n - 1],
            correlations[n / 2],
            correlations[n / 100],
            correlations[0]
        );
    }
    let mut pairs: Vec<_> = (0..photos.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let photos = &photos;
            (0..i).map(move |j| {
                (photos[i].1.correlation(&photos[j].1), photos[i].1.hash_distance(&photos[j].1), j, i)
            })
        })
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{} pairs of different photos, by correlation", pairs.len());
    for (correlation, distance, j, i) in pairs.iter().take(20) {
        println!("{correlation:.4} {distance:4} {} {}", photos[*j].0.display(), photos[*i].0.display());
    }
    pairs.sort_by_key(|pair| pair.1);
    println!("by hash distance");
    for (correlation, distance, j, i) in pairs.iter().take(20) {
        println!("{correlation:.4} {distance:4} {} {}", photos[*j].0.display(), photos[*i].0.display());
    }
}

type Alter = fn(&RgbImage) -> RgbImage;

const COPIES: [(&str, Alter); 8] = [
    ("quality 50", |photo| reencode(photo, 50)),
    ("quality 90", |photo| reencode(photo, 90)),
    ("half size", |photo| {
        let (width, height) = (photo.width() / 2, photo.height() / 2);
        image::imageops::resize(photo, width.max(1), height.max(1), image::imageops::FilterType::Triangle)
    }),
    ("brighter", |photo| scale(photo, 1.1)),
    ("darker", |photo| scale(photo, 0.9)),
    ("trimmed 3 %", |photo| trim(photo, 0.03)),
    ("trimmed 5 %", |photo| trim(photo, 0.05)),
    ("all at once", |photo| reencode(&scale(&trim(photo, 0.03), 1.1), 60)),
];

fn reencode(photo: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
    photo.write_with_encoder(encoder).expect("memory is writable");
    kennel_data::decode(&bytes).expect("our own JPEG").photo
}

fn scale(photo: &RgbImage, factor: f64) -> RgbImage {
    let mut copy = photo.clone();
    kennel_data::color::adjust_brightness(&mut copy, factor);
    copy
}

/// A share of each side's length goes, half at either end.
fn trim(photo: &RgbImage, share: f64) -> RgbImage {
    let cut = |length: u32| (f64::from(length) * share / 2.0).round() as u32;
    let (x, y) = (cut(photo.width()), cut(photo.height()));
    DynamicImage::ImageRgb8(photo.clone())
        .crop_imm(x, y, photo.width() - 2 * x, photo.height() - 2 * y)
        .into_rgb8()
}
