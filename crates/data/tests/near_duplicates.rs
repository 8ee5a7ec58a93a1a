//! Which pictures are claimed to be the same, and which are not.

use image::imageops::{FilterType, crop_imm, flip_horizontal, overlay, resize};
use image::{Rgb, RgbImage};
use kennel_core::{DuplicateKind, Manifest, Split, Task};
use kennel_data::fingerprint::Fingerprint;
use kennel_data::likeness::{Compared, Likeness, MIN_DETAIL};
use kennel_data::{PrepareOptions, color, decode, prepare};

/// A fixed random stream.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }
}

fn fill(picture: &mut RgbImage, x: u32, y: u32, side: (u32, u32), color: [u8; 3]) {
    let patch = RgbImage::from_pixel(side.0, side.1, Rgb(color));
    overlay(picture, &patch, x.into(), y.into());
}

/// A picture full of things.
fn scene(salt: u64) -> RgbImage {
    let mut dice = Dice(salt * 977 + 3);
    let mut picture = RgbImage::from_pixel(240, 200, Rgb([120, 130, 140]));
    for _ in 0..150 {
        let color = [0; 3].map(|_| dice.below(200) as u8);
        let side = (8 + dice.below(30), 8 + dice.below(30));
        let (x, y) = (dice.below(230), dice.below(190));
        fill(&mut picture, x, y, side, color);
    }
    picture
}

/// One small bar, square or cross on white.
fn shape(kind: usize, salt: u64) -> RgbImage {
    let mut dice = Dice(salt * 31 + kind as u64);
    let mut picture = RgbImage::from_pixel(96, 96, Rgb([255; 3]));
    let (x, y, r) = (38 + dice.below(20), 38 + dice.below(20), 4 + dice.below(8));
    let grey = [110 + dice.below(60) as u8; 3];
    match kind {
        0 => fill(&mut picture, x, y, (2 * r, r), grey),
        1 => fill(&mut picture, x, y, (2 * r, 2 * r), grey),
        _ => {
            fill(&mut picture, x + r / 2, y, (r, 2 * r), grey);
            fill(&mut picture, x, y + r / 2, (2 * r, r), grey);
        }
    }
    picture
}

/// A digit of 8 by 8 pixels, enlarged: all of a kind look alike.
fn digit(kind: usize, salt: u64) -> RgbImage {
    let mut dice = Dice(salt * 7919 + 1);
    let small = RgbImage::from_fn(8, 8, |x, y| {
        let ink = match kind {
            0 => (2..6).contains(&x) && (x == 2 || x == 5 || y == 1 || y == 6),
            1 => x == 4,
            _ => y == 1 || y == 6 || x + y == 8,
        };
        let level = if ink { 30 + dice.below(50) } else { 235 + dice.below(20) };
        Rgb([level as u8; 3])
    });
    resize(&small, 96, 96, FilterType::CatmullRom)
}

fn reencoded(photo: &RgbImage) -> RgbImage {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 50);
    photo.write_with_encoder(encoder).unwrap();
    decode(&bytes).unwrap().photo
}

fn brightened(photo: &RgbImage, factor: f64) -> RgbImage {
    let mut photo = photo.clone();
    color::adjust_brightness(&mut photo, factor);
    photo
}

fn half(photo: &RgbImage) -> RgbImage {
    resize(photo, photo.width() / 2, photo.height() / 2, FilterType::Triangle)
}

fn likeness(a: &RgbImage, b: &RgbImage) -> Likeness {
    let [a, b] = [a, b].map(Fingerprint::new);
    Compared::new(&a).with(&b).likeness()
}

#[test]
fn altered_copies_are_the_same_picture() {
    for salt in 0..6 {
        let photo = scene(salt);
        let cropped = crop_imm(&photo, 0, 10, 228, 190).to_image();
        let copies = [
            ("half", half(&photo)),
            ("recompressed", reencoded(&photo)),
            ("brighter", brightened(&photo, 1.1)),
            ("darker", brightened(&photo, 0.9)),
            ("mirrored", flip_horizontal(&photo)),
            ("all", flip_horizontal(&reencoded(&half(&brightened(&cropped, 0.9))))),
            ("cropped", cropped),
        ];
        for (name, copy) in copies {
            assert_eq!(likeness(&photo, &copy), Likeness::Same, "{name} {salt}");
            assert_eq!(
                likeness(&copy, &photo),
                Likeness::Same,
                "{name} {salt}, the other way round"
            );
        }
    }
}

#[test]
fn pictures_that_differ_in_a_part_or_altogether_are_not_the_same() {
    for salt in 0..6 {
        let (photo, other) = (scene(salt), scene(salt + 100));
        assert_eq!(likeness(&photo, &other), Likeness::Different);
        // Like a form with other entries: a quarter of it comes from another picture.
        let mut form = photo.clone();
        overlay(&mut form, &crop_imm(&other, 60, 50, 120, 100).to_image(), 60, 50);
        assert!(likeness(&photo, &form) < Likeness::Same, "{salt}");
    }
}

#[test]
fn pictures_with_little_to_see_are_never_called_the_same() {
    let plain: Vec<Fingerprint> = (0..90)
        .map(|at| {
            Fingerprint::new(&if at % 2 == 0 {
                shape(at % 3, at as u64)
            } else {
                digit(at % 3, at as u64)
            })
        })
        .collect();
    for a in &plain {
        assert!(a.detail() < MIN_DETAIL, "{}", a.detail());
        let compared = Compared::new(a);
        assert!(plain.iter().all(|b| compared.with(b).likeness() < Likeness::Same));
    }
}

/// Three classes of `n` pictures, prepared.
fn prepared(n: u64, draw: fn(usize, u64) -> RgbImage, more: &[(&str, RgbImage)]) -> Manifest {
    let (source, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let save = |picture: &RgbImage, name: &str| {
        let path = source.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    };
    for (kind, class) in ["bolt", "gear", "nut"].iter().enumerate() {
        for salt in 0..n {
            save(&draw(kind, salt + 1000 * kind as u64), &format!("{class}/{salt:03}.png"));
        }
    }
    more.iter().for_each(|(name, picture)| save(picture, name));
    prepare(source.path(), &out.path().join("data"), &PrepareOptions::default(), Task::unwatched())
        .unwrap()
        .manifest
}

#[test]
fn drawn_shapes_on_white_get_no_note_of_wrong_labels() {
    let manifest = prepared(30, shape, &[]);
    let wrong = |note: &&String| note.contains("different classes");
    assert_eq!(manifest.notes.iter().find(wrong), None);
    let plain = |note: &String| note.contains("of 90 photos show too little detail");
    assert!(manifest.notes.iter().any(plain), "{:?}", manifest.notes);
}

#[test]
fn the_same_pixels_under_two_classes_are_noted_however_plain() {
    let copy = shape(0, 0);
    let manifest = prepared(30, shape, &[("nut/other.bmp", copy)]);
    let noted: Vec<&String> =
        manifest.notes.iter().filter(|note| note.contains("different classes")).collect();
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert!(noted[0].contains("`bolt/000.png` and `nut/other.bmp`"), "{noted:?}");
}

#[test]
fn a_class_of_digits_is_divided_as_it_should_be() {
    let manifest = prepared(80, digit, &[]);
    for class in ["bolt", "gear", "nut"] {
        let counts = manifest.counts(Some(class));
        for (split, wanted) in [(Split::Train, 56), (Split::Val, 12), (Split::Test, 12)] {
            assert!(counts.of(split).abs_diff(wanted) <= 1, "{class}: {counts:?}");
        }
    }
    for group in &manifest.duplicates {
        assert_eq!(group.kind, DuplicateKind::Alike);
        assert!(group.paths.len() <= 80 / 20 && !group.crosses_splits, "{group:?}");
    }
}
