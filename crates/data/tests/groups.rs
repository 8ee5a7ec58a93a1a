//! `prepare` with groups of photos and with corrected labels.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;

use common::photo;
use kennel_core::{Manifest, Split, Task};
use kennel_data::{
    DataError, Dataset, GroupBy, PrepareOptions, Prepared, RgbImage, folds_of, prepare,
};

/// A JPEG unlike the others: large shapes from a salt.
fn jpeg(salt: u32) -> Vec<u8> {
    let small = photo(9, 8, salt * 31 + 7);
    let mut picture: RgbImage =
        image::imageops::resize(&small, 90, 80, image::imageops::FilterType::Nearest);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let h = ((x / 15 + 8 * (y / 16) + 64 * salt).wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995)
            .wrapping_mul(0x85EB_CA77);
        pixel.0 = pixel.0.map(|value| value / 4 + (h >> 24) as u8 / 4 * 3);
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The JPEG with an EXIF segment that states when it was taken.
fn taken_at(jpeg: &[u8], time: &str) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
            .concat()
    };
    // The header has 8 bytes, each directory 2 + 12 + 4.
    let exif = [
        &b"Exif\0\0II*\0\x08\0\0\0\x01\0"[..],
        &entry(0x8769, 4, 1, 26),
        b"\0\0\0\0\x01\0",
        &entry(0x9003, 2, 20, 44),
        b"\0\0\0\0",
        time.as_bytes(),
        b"\0",
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xFF\xE1", &length, &exif, &jpeg[2..]].concat()
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Two classes of `groups` groups, in folders, of one to four photos.
fn bursts(folder: &Path, groups: u32) {
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for group in 0..groups {
            for at in 0..=(group % 4) {
                let salt = 1000 * class as u32 + 10 * group + at;
                let path = format!("{name}/{name}-{group}/{at}.jpg");
                write(&folder.join(path), &jpeg(salt));
            }
        }
    }
}

fn grouped(source: &Path, by: &str, seed: u64) -> Result<Manifest, DataError> {
    let by: GroupBy = by.parse()?;
    let options = PrepareOptions { group_by: Some(&by), seed, ..PrepareOptions::default() };
    let home = tempfile::tempdir().unwrap();
    let prepared = prepare(source, &home.path().join("out"), &options, Task::unwatched())?;
    Ok(prepared.manifest)
}

fn relabelled(source: &Path, table: &str) -> Result<Prepared, DataError> {
    let home = tempfile::tempdir().unwrap();
    let labels = home.path().join("labels.csv");
    std::fs::write(&labels, table).unwrap();
    let options = PrepareOptions { labels: Some(&labels), ..PrepareOptions::default() };
    prepare(source, &home.path().join("out"), &options, Task::unwatched())
}

/// The parts that each group has photos in.
fn sides(manifest: &Manifest) -> BTreeMap<&str, BTreeSet<Split>> {
    let mut sides: BTreeMap<&str, BTreeSet<Split>> = BTreeMap::new();
    for photo in &manifest.photos {
        if let Some(group) = &photo.group {
            sides.entry(group).or_default().insert(photo.split);
        }
    }
    sides
}

#[test]
fn a_group_stays_in_one_split_and_in_one_fold_for_every_seed() {
    let source = tempfile::tempdir().unwrap();
    bursts(source.path(), 12);
    for seed in 0..8 {
        let manifest = grouped(source.path(), "folder", seed).unwrap();
        assert_eq!(manifest.grouped_by.as_deref(), Some("folder"));
        let sides = sides(&manifest);
        assert_eq!(sides.len(), 24);
        assert!(sides.values().all(|sides| sides.len() == 1), "seed {seed}: {sides:?}");
        for class in ["cats", "dogs"] {
            let counts = manifest.counts(Some(class));
            let all = counts.train + counts.val + counts.test;
            assert_eq!(all, 30);
            assert!(counts.train.abs_diff(21) <= 4, "seed {seed}: {counts:?}");
        }

        let fold_of = folds_of(&manifest, &Split::ALL, 5, seed).unwrap();
        let mut of_group: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (photo, fold) in manifest.photos.iter().zip(&fold_of) {
            of_group.entry(photo.group.as_deref().unwrap()).or_default().insert(*fold);
        }
        assert!(of_group.values().all(|folds| folds.len() == 1), "seed {seed}: {of_group:?}");
    }
    let note = &grouped(source.path(), "folder", 42).unwrap().notes;
    assert!(note.iter().any(|note| note.contains("24 groups of up to 4 photos")), "{note:?}");
}

#[test]
fn a_pattern_a_table_and_the_time_group_as_folders_do() {
    let source = tempfile::tempdir().unwrap();
    let mut table = "group,path\n".to_string();
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for group in 0..5u32 {
            for at in 0..3u32 {
                let path = format!("{name}/{name}{group}_{at}.jpg");
                // A photo every 4 seconds, and a minute between the groups.
                let time = format!("2026:02:07 1{class}:0{group}:{:02}", 4 * at);
                let bytes = taken_at(&jpeg(1000 * class as u32 + 10 * group + at), &time);
                write(&source.path().join(&path), &bytes);
                table += &format!("{name}{group},{path}\n");
            }
        }
    }
    write(&source.path().join("dogs/alone.jpg"), &jpeg(5000));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("groups.csv");
    std::fs::write(&file, &table).unwrap();
    let csv = format!("csv:{}", file.display());
    let by_csv = grouped(source.path(), &csv, 42).unwrap();
    assert_eq!(by_csv.grouped_by.as_deref(), Some("csv"));
    assert_eq!(sides(&by_csv).len(), 10);
    let alone = by_csv.photos.iter().find(|photo| photo.source == "dogs/alone.jpg").unwrap();
    assert_eq!(alone.group, None);
    assert!(by_csv.notes.iter().any(|note| note.starts_with("1 of 31 photos are of no group")));

    let by_regex = grouped(source.path(), "regex:/([a-z]+[0-9])_", 42).unwrap();
    assert_eq!(by_regex.photos, by_csv.photos);
    let by_time = grouped(source.path(), "exif-time", 42).unwrap();
    assert_eq!(by_time.grouped_by.as_deref(), Some("exif-time:10"));
    let splits = |manifest: &Manifest| -> Vec<Split> {
        manifest.photos.iter().map(|photo| photo.split).collect()
    };
    assert_eq!(splits(&by_time), splits(&by_csv));
    assert_eq!(sides(&by_time).len(), 10);
    // At most three seconds apart: every photo is a group of its own.
    assert_eq!(sides(&grouped(source.path(), "exif-time:3", 42).unwrap()).len(), 30);

    std::fs::write(&file, table + "x,dogs/none.jpg\n").unwrap();
    let error = grouped(source.path(), &csv, 42).unwrap_err().to_string();
    assert!(error.contains(":32: there is no usable photo `dogs/none.jpg`"), "{error}");
    for (by, reason) in [("folder", "no photo lies in a folder"), ("regex:(x)", "matches no path")]
    {
        let error = grouped(source.path(), by, 42).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_group_on_two_sides_of_a_given_division_is_named() {
    let source = tempfile::tempdir().unwrap();
    let mut salt = 0;
    for part in ["train", "val", "test"] {
        for class in ["cats", "dogs"] {
            for animal in [format!("{part}-{class}"), "rex".into()] {
                salt += 1;
                let path = format!("{part}/{class}/{animal}/1.jpg");
                write(&source.path().join(path), &jpeg(salt));
            }
        }
    }
    let manifest = grouped(source.path(), "folder", 42).unwrap();
    assert_eq!(manifest.division, "given");
    assert_eq!(sides(&manifest)["rex"].len(), 3);
    let note = "The given division puts 1 group on different sides (`rex`)";
    assert!(manifest.notes.iter().any(|text| text.starts_with(note)), "{:?}", manifest.notes);
}

#[test]
fn labels_are_corrected_and_the_files_stay() {
    let source = tempfile::tempdir().unwrap();
    for (class, name) in ["cats", "dogs", "mice"].iter().enumerate() {
        for at in 0..8 {
            let path = source.path().join(format!("{name}/{at}.jpg"));
            write(&path, &jpeg(100 * class as u32 + at));
        }
    }
    let table =
        "suggested,path,label\ndogs,cats/0.jpg,cats\nmice,dogs/1.jpg,dogs\n,mice/1.jpg,mice\n";
    let manifest = relabelled(source.path(), table).unwrap().manifest;
    let labels = |manifest: &Manifest| -> BTreeMap<String, String> {
        manifest.photos.iter().map(|p| (p.source.clone(), p.label.clone())).collect()
    };
    let of = labels(&manifest);
    assert_eq!((of["cats/0.jpg"].as_str(), of["dogs/1.jpg"].as_str()), ("dogs", "mice"));
    let unlike = of.iter().filter(|(source, label)| !source.starts_with(label.as_str()));
    assert_eq!(unlike.count(), 2);
    let note = "Labels are corrected by a table of 3 photos: 2 change.";
    assert!(manifest.notes.iter().any(|text| text == note), "{:?}", manifest.notes);
    assert!(source.path().join("cats/0.jpg").is_file());
    // Two columns are the labels themselves.
    let plain = "path,label\ncats/0.jpg,dogs\ndogs/1.jpg,mice\ncats/2.jpg,cats\n";
    assert_eq!(labels(&relabelled(source.path(), plain).unwrap().manifest), of);

    let wrong = "path,label,suggested\ncats/0.jpg,dogs,mice\ncats/1.jpg,cats,mise\n\
                 cats/2.jpg,cats,zebra\n";
    let error = relabelled(source.path(), wrong).unwrap_err().to_string();
    for part in [
        "labels.csv: 3 lines cannot be used",
        "line 2: `cats/0.jpg`: its label is `cats`, not `dogs` as the table says",
        "line 3: `cats/1.jpg`: there is no class `mise`; did you mean `mice`?",
        "line 4: `cats/2.jpg`: there is no class `zebra`",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let moved: String = (0..8).map(|at| format!("mice/{at}.jpg,cats\n")).collect();
    let manifest = relabelled(source.path(), &format!("path,label\n{moved}")).unwrap().manifest;
    assert_eq!(manifest.classes, ["cats", "dogs"]);
    assert!(manifest.notes.iter().any(|note| note.contains("`mice` has no photo left")));
    assert_eq!(manifest.counts(Some("cats")).train, 11);
}

#[test]
fn a_photo_that_is_set_aside_is_left_out_and_named() {
    let source = tempfile::tempdir().unwrap();
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for at in 0..8 {
            let path = source.path().join(format!("{name}/{at}.jpg"));
            write(&path, &jpeg(100 * class as u32 + at));
        }
    }
    let table = "path,label,suggested,aside\ncats/0.jpg,cats,,yes\ncats/1.jpg,cats,dogs,\n";
    let manifest = relabelled(source.path(), table).unwrap().manifest;
    assert_eq!(manifest.photos.len(), 15);
    let [left_out] = manifest.rejected.as_slice() else { panic!("{:?}", manifest.rejected) };
    let said = (left_out.path.as_str(), left_out.reason.as_str());
    assert_eq!(said, ("cats/0.jpg", "set aside by the table of labels"));
    let note = "Labels are corrected by a table of 2 photos: 1 change, 1 are set aside.";
    assert!(manifest.notes.iter().any(|text| text == note), "{:?}", manifest.notes);
    let wrong = "path,label,aside\ncats/0.jpg,cats,no\n";
    let error = relabelled(source.path(), wrong).unwrap_err().to_string();
    assert!(error.contains("`aside` is `no`, expected `yes` or nothing"), "{error}");
}

#[test]
fn a_folder_that_was_not_prepared_is_grouped_too() {
    let source = tempfile::tempdir().unwrap();
    bursts(source.path(), 9);
    let by = GroupBy::Folder;
    let options = PrepareOptions { group_by: Some(&by), ..PrepareOptions::default() };
    let data = Dataset::open_with(source.path(), &options, Task::unwatched()).unwrap();
    assert!(sides(data.manifest()).values().all(|sides| sides.len() == 1));
    let plain = Dataset::open(source.path()).unwrap();
    assert!(plain.manifest().grouped_by.is_none());
    assert!(plain.manifest().photos.iter().all(|photo| photo.group.is_none()));
}
