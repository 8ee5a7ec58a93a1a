//! Audits drawn photos and checks the page.

use std::path::Path;

use kennel_audit::{Audit, Features, JudgedPhoto, JudgedPhotos, audit};
use kennel_core::{DuplicateGroup, DuplicateKind, Lang, Manifest, PhotoRecord, Split, files};
use kennel_report::{AuditReport, write_audit};
use serde_json::Value;

const CLASSES: [&str; 2] = ["<b>cats</b>", "a very long name of a class of dogs"];
const PHOTOS: usize = 24;

/// Draws photos of two classes into `data`. The labels of photos 0 and 1 are wrong.
fn made(data: &Path) -> (Manifest, Audit) {
    let photo = |number: usize| {
        let path = format!("train/{}/{number}.png", number % 2);
        let file = data.join(&path);
        files::create_dir_all(file.parent().unwrap()).unwrap();
        let colour = image::Rgb([10 * number as u8, 100, 200]);
        image::RgbImage::from_pixel(300, 40 + number as u32, colour).save(&file).unwrap();
        PhotoRecord {
            source: path.clone(),
            path,
            label: CLASSES[number % 2].into(),
            split: Split::Train,
            width_px: 300,
            height_px: 40,
            sha256: files::sha256_file(&file).unwrap(),
            group: None,
        }
    };
    let photos: Vec<PhotoRecord> = (0..PHOTOS).map(photo).collect();
    let manifest = Manifest {
        version: 1,
        division: "given".into(),
        seed: 0,
        grouped_by: None,
        classes: CLASSES.map(String::from).into(),
        duplicates: vec![DuplicateGroup {
            kind: DuplicateKind::Near,
            paths: vec![photos[4].path.clone(), photos[5].path.clone()],
            crosses_splits: false,
        }],
        photos,
        rejected: Vec::new(),
        notes: Vec::new(),
    };
    let judged: Vec<JudgedPhoto> = manifest
        .photos
        .iter()
        .enumerate()
        .map(|(number, photo)| JudgedPhoto { path: &photo.path, label: number % 2 })
        .collect();
    let probability = |number: usize| match number {
        0 | 1 => 0.02,
        2 => 0.53,
        _ => 0.9,
    };
    let row = |number: usize| {
        let p = probability(number);
        if number.is_multiple_of(2) { [p, 1.0 - p] } else { [1.0 - p, p] }
    };
    let probabilities: Vec<f64> = (0..PHOTOS).flat_map(row).collect();
    let mut features: Vec<f32> = (0..PHOTOS * 3)
        .map(|at| if at % 3 == 0 { 1.0 } else { (at * 7 % 11) as f32 / 40.0 })
        .collect();
    features[9..12].copy_from_slice(&[-1.0, 0.0, 0.3]);
    let found = audit(&JudgedPhotos {
        class_names: &manifest.classes,
        photos: &judged,
        probabilities: &probabilities,
        features: Some(Features { values: &features, width: 3 }),
        duplicates: &manifest.duplicates,
    })
    .unwrap();
    (manifest, found)
}

#[test]
fn a_page_shows_the_photos_and_stands_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (manifest, found) = made(&data);
    assert_eq!(found.wrong_labels.len(), 2);
    assert_eq!((found.ambiguous.len(), found.outliers.as_ref().unwrap().len()), (1, 1));
    let report = AuditReport::new(&found, &manifest, &data);
    let page = write_audit(&report, &dir.path().join("out"), Lang::En).unwrap();
    let text = std::fs::read_to_string(page).unwrap();
    // Two wrong labels, one ambiguous photo, one outlier, two copies.
    assert_eq!(text.matches("<img src=\"data:image/jpeg;base64,").count(), 6);
    assert!(!text.contains("not in its place") && !text.contains("No photo is shown"));
    assert!(text.contains("&lt;b&gt;cats&lt;/b&gt;") && !text.contains("<b>"));
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script>"));
    for title in ["Wrong labels: 2", "Ambiguous: 1", "Outliers: 1", "Classes alike: 0"] {
        assert!(text.contains(title), "{title}");
    }
    let (_, embedded) = text.split_once("<script type=\"application/json\" id=\"audit\">").unwrap();
    let (embedded, _) = embedded.split_once("</script>").unwrap();
    let embedded: Value = serde_json::from_str(embedded).unwrap();
    let written = std::fs::read(dir.path().join("out/audit.json")).unwrap();
    assert_eq!(embedded, serde_json::from_slice::<Value>(&written).unwrap());
    assert_eq!(embedded["wrong_labels"][0]["suggested"], CLASSES[1]);
    assert_eq!(serde_json::from_value::<Audit>(embedded).unwrap(), found);
}

#[test]
fn photos_that_are_gone_or_changed_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (manifest, found) = made(&data);
    let render = |data: &Path| {
        let report = AuditReport::new(&found, &manifest, data);
        std::fs::read_to_string(write_audit(&report, &dir.path().join("out"), Lang::En).unwrap())
            .unwrap()
    };
    std::fs::copy(data.join(&manifest.photos[9].path), data.join(&manifest.photos[0].path))
        .unwrap();
    let text = render(&data);
    assert_eq!(text.matches("<img ").count(), 5);
    assert_eq!(text.matches("not in its place").count(), 1);
    assert!(render(&dir.path().join("elsewhere")).contains("No photo is shown"));
}
