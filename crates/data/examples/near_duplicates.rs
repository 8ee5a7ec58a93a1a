//! The evidence for the measure of near duplicates: which altered copies of a folder's photos are
//! found, and what is claimed of photos that are different.
//!
//!     cargo run --release -p kennel-data --example near_duplicates -- FOLDER...
//!     cargo run --release -p kennel-data --example near_duplicates -- --many 100000 FOLDER
//!
//! For every folder: claims among its photos as they are; then copies of every eighth photo are put
//! among them, one kind after the other, and counted where they ended: in the group of their
//! original as the same picture, or as one that looks alike. `--many` times the search among that
//! many pictures mixed of the folder's photos.

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::imageops::{FilterType, crop_imm, flip_horizontal, resize};
use image::{Rgb, RgbImage};
use kennel_core::DuplicateKind;
use kennel_data::ScannedPhoto;
use kennel_data::duplicates::{Group, count_plain, find_duplicates};
use kennel_data::fingerprint::Fingerprint;
use kennel_data::likeness::{Compared, MIN_DETAIL};
use rayon::prelude::*;

fn main() {
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let many = folders.iter().position(|argument| argument.as_os_str() == "--many").map(|at| {
        folders.remove(at);
        folders.remove(at).to_str().and_then(|n| n.parse::<usize>().ok()).expect("--many N")
    });
    assert!(!folders.is_empty(), "the folders of photos");
    for folder in folders {
        match many {
            Some(count) => time(&folder, count),
            None => measure(&folder),
        }
    }
}

fn measure(folder: &Path) {
    let paths = photos_in(folder);
    let photos: Vec<ScannedPhoto> =
        paths.par_iter().filter_map(|path| Some(scanned(path, &read(path)?))).collect();
    println!(
        "{}: {} photos, {} too plain for a claim",
        folder.display(),
        photos.len(),
        count_plain(&photos)
    );
    fingerprint_time(&paths);
    claims(&photos);
    let chosen: Vec<&ScannedPhoto> =
        photos.iter().step_by(photos.len().div_ceil(400).min(8)).collect();
    println!(
        "{:14} {:>6} {:>16} {:>16} {:>14}",
        "copies", "found", "with detail", "kept together", "wrong groups"
    );
    for (name, alter) in COPIES {
        recall(name, alter, &photos, &chosen);
    }
}

fn claims(photos: &[ScannedPhoto]) {
    let start = Instant::now();
    let groups = find_duplicates(photos);
    println!("searched in {:.2} s", start.elapsed().as_secs_f64());
    for kind in [DuplicateKind::Exact, DuplicateKind::Near, DuplicateKind::Alike] {
        let of_kind: Vec<&Group> = groups.iter().filter(|group| group.kind == kind).collect();
        let (count, largest) =
            (of_kind.len(), of_kind.iter().map(|g| g.members.len()).max().unwrap_or(0));
        let others: usize = of_kind.iter().map(|group| group.members.len() - 1).sum();
        let share = 1e4 * others as f64 / photos.len() as f64;
        println!(
            "{kind:?}: {count} groups, the largest of {largest}, {share:.1} links per 10,000 photos"
        );
        if kind == DuplicateKind::Exact {
            continue;
        }
        for (a, b) in of_kind
            .iter()
            .flat_map(|group| group.members[1..].iter().map(|b| (group.members[0], *b)))
        {
            let (a, b) = (&photos[a], &photos[b]);
            let found = Compared::new(&a.fingerprint).with(&b.fingerprint);
            let mark = if a.label == b.label { ' ' } else { '*' };
            println!(
                "  {mark} {} {}: {}/{} agree, {} contradict, agreement {:.3}, correlation {:.4}, \
                 detail {}",
                a.source,
                b.source,
                found.agreeing,
                found.windows,
                found.contradicting,
                found.agreement,
                found.correlation,
                found.detail
            );
        }
    }
}

fn recall(name: &str, alter: Alter, photos: &[ScannedPhoto], chosen: &[&ScannedPhoto]) {
    let copies: Vec<ScannedPhoto> = chosen
        .par_iter()
        .filter_map(|photo| {
            let copy = scanned(&photo.file, &alter(&read(&photo.file)?));
            Some(ScannedPhoto {
                sha256: format!("{} {name}", copy.sha256),
                source: photo.source.clone(),
                ..copy
            })
        })
        .collect();
    let all: Vec<ScannedPhoto> = photos.iter().cloned().chain(copies).collect();
    let groups = find_duplicates(&all);
    let mut group_of: Vec<Option<&Group>> = vec![None; all.len()];
    groups.iter().for_each(|group| group.members.iter().for_each(|&at| group_of[at] = Some(group)));
    let (mut found, mut together, mut detailed, mut detailed_found, mut wrong) = (0, 0, 0, 0, 0);
    for (at, copy) in all.iter().enumerate().skip(photos.len()) {
        let has_detail = copy.fingerprint.detail() >= MIN_DETAIL;
        detailed += usize::from(has_detail);
        let Some(group) = group_of[at] else { continue };
        let with_original =
            group.members.iter().any(|&of| of < photos.len() && all[of].source == copy.source);
        let same = with_original && group.kind != DuplicateKind::Alike;
        found += usize::from(same);
        detailed_found += usize::from(same && has_detail);
        together += usize::from(with_original);
        wrong += usize::from(!with_original && group.kind != DuplicateKind::Alike);
    }
    let of = |count: usize, all: usize| {
        format!("{count}/{all} {:.1} %", 100.0 * count as f64 / all.max(1) as f64)
    };
    let n = all.len() - photos.len();
    println!(
        "{name:14} {:>6} {:>16} {:>16} {wrong:>14}",
        of(found, n),
        of(detailed_found, detailed),
        of(together, n)
    );
}

/// What a fingerprint adds to decoding, one photo after the other.
fn fingerprint_time(paths: &[PathBuf]) {
    let (mut decoding, mut printing) = (0.0, 0.0);
    let mut count = 0;
    for path in paths.iter().step_by(paths.len().div_ceil(200)) {
        let start = Instant::now();
        let Some(photo) = read(path) else { continue };
        decoding += start.elapsed().as_secs_f64();
        let start = Instant::now();
        std::hint::black_box(Fingerprint::new(&photo));
        printing += start.elapsed().as_secs_f64();
        count += 1;
    }
    let ms = |seconds: f64| 1e3 * seconds / f64::from(count.max(1));
    println!("{:.2} ms to read a photo, {:.2} ms for its fingerprint", ms(decoding), ms(printing));
}

/// Times the search among `count` pictures: two photos each, cut and mixed by a fixed rule.
fn time(folder: &Path, count: usize) {
    let photos: Vec<RgbImage> = photos_in(folder)
        .par_iter()
        .filter_map(|path| Some(resize(&read(path)?, 96, 96, FilterType::Triangle)))
        .collect();
    let mixed = |at: usize| {
        let chance = |draw: u64| {
            let bits = (at as u64 * 16 + draw).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) as usize
        };
        let cut = |draw: u64| {
            let photo = &photos[chance(draw) % photos.len()];
            crop_imm(photo, (chance(draw + 1) % 32) as u32, (chance(draw + 2) % 32) as u32, 64, 64)
                .to_image()
        };
        let (a, b) = (cut(0), cut(4));
        let picture = RgbImage::from_fn(64, 64, |x, y| {
            let (a, b) = (a[(x, y)].0, b[(x, y)].0);
            Rgb(std::array::from_fn(|i| ((3 * u32::from(a[i]) + u32::from(b[i])) / 4) as u8))
        });
        ScannedPhoto { sha256: at.to_string(), ..scanned(Path::new("mixed"), &picture) }
    };
    let pictures: Vec<ScannedPhoto> = (0..count).into_par_iter().map(mixed).collect();
    let start = Instant::now();
    let groups = find_duplicates(&pictures);
    println!(
        "{count} pictures of {} searched in {:.1} s on {} threads: {} groups",
        folder.display(),
        start.elapsed().as_secs_f64(),
        rayon::current_num_threads(),
        groups.len()
    );
}

fn photos_in(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").into_path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

/// What is no photo is left out.
fn read(path: &Path) -> Option<RgbImage> {
    kennel_data::read_photo(path).ok()
}

fn scanned(path: &Path, photo: &RgbImage) -> ScannedPhoto {
    let label =
        path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ScannedPhoto {
        source: format!("{label}/{name}"),
        file: path.into(),
        label,
        given: None,
        folder: None,
        group: None,
        width_px: photo.width(),
        height_px: photo.height(),
        sha256: path.display().to_string(),
        fingerprint: Fingerprint::new(photo),
        taken: None,
    }
}

type Alter = fn(&RgbImage) -> RgbImage;

const COPIES: [(&str, Alter); 11] = [
    ("half size", half),
    ("quality 50", |photo| reencode(photo, 50)),
    ("brighter 10 %", |photo| scale(photo, 1.1)),
    ("darker 10 %", |photo| scale(photo, 0.9)),
    ("cropped 5 %", |photo| trim(photo, [0.025; 4])),
    ("at a corner", |photo| trim(photo, [0.0, 0.05, 0.05, 0.0])),
    ("at one side", |photo| trim(photo, [0.05, 0.0, 0.0, 0.0])),
    ("10 % in all", |photo| trim(photo, [0.05; 4])),
    ("mirrored", flip_horizontal),
    ("all but that", all_at_once),
    ("all at once", |photo| flip_horizontal(&all_at_once(photo))),
];

/// Cropped, brighter, of half size and recompressed.
fn all_at_once(photo: &RgbImage) -> RgbImage {
    reencode(&half(&scale(&trim(photo, [0.025; 4]), 1.1)), 50)
}

fn half(photo: &RgbImage) -> RgbImage {
    resize(photo, (photo.width() / 2).max(1), (photo.height() / 2).max(1), FilterType::Triangle)
}

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

/// A share of the width or height goes at the left, the top, the right and the bottom.
fn trim(photo: &RgbImage, shares: [f64; 4]) -> RgbImage {
    let cut = |length: u32, share: f64| (f64::from(length) * share).round() as u32;
    let (width, height) = photo.dimensions();
    let [left, right] = [0, 2].map(|side| cut(width, shares[side]));
    let [top, bottom] = [1, 3].map(|side| cut(height, shares[side]));
    crop_imm(photo, left, top, width - left - right, height - top - bottom).to_image()
}
