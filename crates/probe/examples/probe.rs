//! Times cross-validation, the final head and learning curves, and prints what they say.
//!
//!     cargo run --release -p kennel-probe --example probe -- PHOTOS WIDTH CLASSES VIEWS
//!     cargo run --release -p kennel-probe --example probe -- FOLDER
//!
//! The first draws random features whose classes can be told apart in part. The second reads
//! `features.npy` (f32, `[photos, width]`), `labels.npy` and `folds.npy` (i64, `[photos]`) and
//! writes `head.f32` (`[classes, width]`, then `[classes]`) and `out_of_fold.f32`
//! (`[photos, classes]`), for `tools/check_probe.py`.

use std::path::Path;
use std::time::Instant;

use kennel_core::Task;
use kennel_probe::{
    CrossValidation, Errors, Extrapolation, Gain, HalvedClass, LearningCurve, Outlook, Photos,
    Thinned, cross_validate, fit, learning_curve, learning_curve_by_class,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

struct Data {
    width: usize,
    classes: usize,
    features: Vec<f32>,
    labels: Vec<usize>,
    folds: Vec<usize>,
    views: Vec<f32>,
    photo_of: Vec<usize>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folder = if let [folder] = &words[..] { Some(Path::new(folder)) } else { None };
    let data = match (folder, &words[..]) {
        (Some(folder), _) => read(folder),
        (None, [photos, width, classes, views]) => {
            let [photos, width, classes, views] =
                [photos, width, classes, views].map(|word| word.parse().unwrap());
            draw(photos, width, classes, views)
        }
        _ => panic!("expected FOLDER, or PHOTOS WIDTH CLASSES VIEWS"),
    };
    let photos = Photos::new(&data.features, data.width, &data.labels, data.classes).unwrap();
    let photos = photos.with_views(&data.views, &data.photo_of).unwrap();
    let all: Vec<usize> = (0..photos.count()).collect();
    let task = Task::unwatched();
    println!(
        "{} photos x {} features x {} classes, {} extra views, {} threads",
        photos.count(),
        data.width,
        data.classes,
        data.photo_of.len(),
        rayon::current_num_threads()
    );

    let start = Instant::now();
    let options = CrossValidation::default();
    let found = cross_validate(&photos, &data.folds, &options, &all, task).unwrap();
    println!("cross-validation and final head: {:.2} s", start.elapsed().as_secs_f64());
    for (at, strength) in found.strengths.iter().enumerate() {
        println!(
            "l2 {:9.5}  loss {:.4} +- {:.4}  accuracy {:.4}{}",
            strength.l2,
            strength.loss,
            strength.standard_error,
            strength.accuracy,
            if at == found.chosen { "  *" } else { "" }
        );
    }
    let l2 = found.strength().l2;
    let start = Instant::now();
    let cold = fit(&photos, &all, l2, task).unwrap();
    let elapsed = start.elapsed().as_secs_f64();
    println!("one head from nothing: {elapsed:.2} s, {} evaluations", cold.evaluations);

    let start = Instant::now();
    let curve = learning_curve(&photos, &data.folds, Thinned::All, l2, 42, task).unwrap();
    println!("learning curve: {:.2} s", start.elapsed().as_secs_f64());
    show(&curve, Errors::Overall);

    if folder.is_some() {
        check_halves(&data, l2);
    }
    let start = Instant::now();
    let (_, halved) = learning_curve_by_class(&photos, &data.folds, l2, 42, task).unwrap();
    println!("learning curve and halves of classes: {:.2} s", start.elapsed().as_secs_f64());
    for HalvedClass { class, half, photos, of_class, overall } in halved {
        let said = |gain: Gain| {
            format!(
                "{} of {} wrong, {:.1} points fewer ({:.1} to {:.1})",
                gain.with_all,
                gain.judged,
                100.0 * gain.value,
                100.0 * gain.low,
                100.0 * gain.high
            )
        };
        println!("class {class} with {photos:.0} photos in place of {half:.0}");
        println!("    of the class {}, of all {}", said(of_class), said(overall));
    }
    if let Some(folder) = folder {
        let head = found.fit.head.weights.iter().chain(&found.fit.head.bias);
        write(&folder.join("head.f32"), head);
        write(&folder.join("out_of_fold.f32"), found.out_of_fold.iter());
        std::fs::write(folder.join("l2.txt"), format!("{l2}\n")).unwrap();
    }
}

/// Prints a curve, and what half as many photos again would bring.
fn show(curve: &LearningCurve, whose: Errors) {
    for (at, point) in curve.points.iter().enumerate() {
        let (errors, of) = curve.errors(at, whose);
        println!("{:7.1} photos: {errors}/{of} wrong", point.photos);
    }
    let more = curve.points.last().unwrap().photos * 1.5;
    print!("{more:7.1} photos: ");
    match curve.outlook(whose, more, 42).unwrap() {
        Outlook::Falls(Extrapolation { error, low, high, gain, gain_low, gain_high }) => println!(
            "{:.1} % wrong ({:.1}-{:.1}), {:.1} points fewer ({:.1}-{:.1})",
            100.0 * error,
            100.0 * low,
            100.0 * high,
            100.0 * gain,
            100.0 * gain_low,
            100.0 * gain_high
        ),
        other => println!("{other:?}"),
    }
}

/// Extrapolates from a random half of the photos to all, ten times, and compares with what the
/// other half then shows.
fn check_halves(data: &Data, l2: f64) {
    let rows = |chosen: &[usize]| Data {
        width: data.width,
        classes: data.classes,
        features: chosen
            .iter()
            .flat_map(|&at| &data.features[at * data.width..][..data.width])
            .copied()
            .collect(),
        labels: chosen.iter().map(|&at| data.labels[at]).collect(),
        folds: chosen.iter().map(|&at| data.folds[at]).collect(),
        views: Vec::new(),
        photo_of: Vec::new(),
    };
    let curve = |data: &Data, seed| {
        let photos = Photos::new(&data.features, data.width, &data.labels, data.classes).unwrap();
        learning_curve(&photos, &data.folds, Thinned::All, l2, seed, Task::unwatched()).unwrap()
    };
    let all = curve(data, 0);
    let last = all.points.len() - 1;
    let (errors, of) = all.errors(last, Errors::Overall);
    let truth = errors as f64 / of as f64;
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut held = 0;
    for seed in 0..10 {
        let half: Vec<usize> =
            (0..data.labels.len()).filter(|_| chance.next_u32() & 1 == 0).collect();
        let from_half = curve(&rows(&half), seed);
        let outlook = from_half.outlook(Errors::Overall, all.points[last].photos, seed).unwrap();
        if let Outlook::Falls(Extrapolation { error, low, high, .. }) = outlook {
            println!("from {} photos: {error:.4} ({low:.4}-{high:.4})", half.len());
            held += usize::from(low <= truth && truth <= high);
        } else {
            println!("from {} photos: {outlook:?}", half.len());
        }
    }
    println!("with all photos: {errors}/{of} = {truth:.4}, within {held} of 10 intervals");
}

/// Draws features as a network has them: 30 patterns that all photos share in part, one of the
/// photo's class, and noise.
fn draw(photos: usize, width: usize, classes: usize, views: usize) -> Data {
    let mut chance = ChaCha8Rng::seed_from_u64(42);
    let mut uniform = move || chance.next_u32() as f32 / u32::MAX as f32 - 0.5;
    let mut patterns = |n: usize| -> Vec<f32> { (0..n * width).map(|_| uniform()).collect() };
    let (centres, common, mut noise) = (patterns(classes), patterns(30), patterns(1 + photos));
    let mut row = |label: usize| -> Vec<f32> {
        noise.rotate_left(width + 7);
        let mut row: Vec<f32> = noise[..width].iter().map(|value| 2.0 * value).collect();
        for (share, pattern) in noise[width..].iter().zip(common.chunks_exact(width)) {
            row.iter_mut().zip(pattern).for_each(|(value, pattern)| *value += share * pattern);
        }
        let centre = &centres[label * width..][..width];
        row.iter_mut().zip(centre).for_each(|(value, centre)| *value += 0.15 * centre);
        row
    };
    let labels: Vec<usize> = (0..photos).map(|photo| photo % classes).collect();
    let features = labels.iter().flat_map(|&label| row(label)).collect();
    let photo_of: Vec<usize> = (0..photos * views).map(|view| view % photos).collect();
    let views = photo_of.iter().flat_map(|&photo| row(labels[photo])).collect();
    let folds = (0..photos).map(|photo| photo / classes % 5).collect();
    Data { width, classes, features, labels, folds, views, photo_of }
}

fn read(folder: &Path) -> Data {
    let features: Vec<f32> = read_npy(folder, "features", "<f4")
        .as_chunks()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let numbers = |name: &str| -> Vec<usize> {
        let bytes = read_npy(folder, name, "<i8");
        bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as usize).collect()
    };
    let (labels, folds) = (numbers("labels"), numbers("folds"));
    Data {
        width: features.len() / labels.len(),
        classes: labels.iter().max().unwrap() + 1,
        features,
        labels,
        folds,
        views: Vec::new(),
        photo_of: Vec::new(),
    }
}

/// The values of a numpy file, version 1.0.
fn read_npy(folder: &Path, name: &str, kind: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder.join(name).with_extension("npy")).unwrap();
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..end]);
    assert!(header.contains(kind) && header.contains("'fortran_order': False"), "{header}");
    bytes[end..].to_vec()
}

fn write<'a>(path: &Path, values: impl Iterator<Item = &'a f32>) {
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}
