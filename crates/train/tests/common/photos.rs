//! Draws photos for tests: two classes that differ in texture, not in colour.

use std::path::Path;

use kennel_core::{
    AugmentationSet, Crop, Interpolation, Preprocessing, SchedulerKind, Settings, Strategy, Weights,
};

/// Writes `<root>/<split>/<class>/*.png`, `counts` photos per class in train, val and test.
pub fn draw_photos(root: &Path, counts: [usize; 3]) {
    for (split, count) in ["train", "val", "test"].into_iter().zip(counts) {
        for class in ["checked", "striped"] {
            let folder = root.join(split).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for index in 0..count {
                let place = ["train", "val", "test"].iter().position(|s| *s == split).unwrap()
                    * 1000
                    + index;
                let photo =
                    image::RgbImage::from_fn(80, 72, |x, y| draw(class, place as u32, x, y));
                photo.save(folder.join(format!("{index:03}.png"))).unwrap();
            }
        }
    }
}

fn draw(class: &str, place: u32, x: u32, y: u32) -> image::Rgb<u8> {
    let cell = 6 + place % 5;
    let (column, row) = ((x + place * 3) / cell, (y + place * 7) / cell);
    let on = match class {
        "checked" => (column + row) % 2 == 0,
        _ => row % 2 == 0,
    };
    let grain =
        (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ place.wrapping_mul(83_492_791))
            >> 7;
    let level = if on { 150 } else { 60 } + (grain % 48) as u8;
    image::Rgb([level, level.wrapping_add((place % 40) as u8), level / 2])
}

/// timm's `test_resnet` with random weights at 32 px. Of larger networks a test writes checkpoints
/// for most of its time.
pub fn small_config(data: &Path, strategy: Strategy, epochs: usize) -> Settings {
    let mut augmentation = AugmentationSet::Light.augmentation();
    augmentation.crop = Crop::Random { resize_ratio: 1.2 };
    let preprocessing = Preprocessing::imagenet(32, 0.9, Interpolation::Bicubic);
    Settings {
        data_dir: data.to_string_lossy().into_owned(),
        epochs,
        batch_size: 8,
        learning_rate: 1e-3,
        gradient_clip: Some(5.0),
        scheduler: SchedulerKind::Plateau { factor: 0.1, patience: 0, min_learning_rate: 0.0 },
        augmentation,
        ..Settings::published("test_resnet".into(), Weights::Random, strategy, preprocessing)
    }
}
