//! `prepare` and `Dataset` on drawn folders, good and bad.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{drawn, save};
use kennel_core::task::Event;
use kennel_core::{DuplicateKind, Hinted, Lock, Manifest, Split, Task, files};
use kennel_data::{
    DataError, Dataset, Fractions, Outcome, PrepareOptions, Prepared, Preset, RgbImage, decode,
    prepare,
};

/// Two classes of `n` photos.
fn source(n: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    draw_source(dir.path(), n);
    dir
}

fn draw_source(folder: &Path, n: u32) {
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for i in 0..n {
            save(&drawn(1000 * class as u32 + i), folder.join(name).join(format!("{i:02}.png")));
        }
    }
}

fn run(source: &Path, out: &Path) -> Result<Prepared, DataError> {
    prepare(source, out, &PrepareOptions::default(), Task::unwatched())
}

fn message<T>(result: Result<T, DataError>) -> String {
    let error = result.err().expect("this must not succeed");
    let hints: String = error.hints().iter().map(|hint| format!("\nhint: {hint:?}")).collect();
    format!("{error}{hints}")
}

fn files_of(folder: &Path) -> BTreeMap<String, String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            (name, files::sha256_file(&path).unwrap())
        })
        .collect()
}

#[test]
fn a_folder_of_classes_becomes_a_divided_tree_and_its_source_is_not_touched() {
    let source = source(20);
    let before = files_of(source.path());
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("data/processed");
    let prepared = run(source.path(), &out).unwrap();
    assert_eq!(prepared.outcome, Outcome::Created);
    let manifest = prepared.manifest;
    assert_eq!(manifest.classes, ["cats", "dogs"]);
    assert_eq!((manifest.division.as_str(), manifest.rejected.len()), ("stratified", 0));
    assert_eq!(manifest.duplicates, []);
    for class in ["cats", "dogs"] {
        let counts = manifest.counts(Some(class));
        assert_eq!((counts.train, counts.val, counts.test), (14, 3, 3));
    }
    for photo in &manifest.photos {
        assert_eq!(photo.path, format!("{}/{}", photo.split, photo.source));
        assert_eq!(files::sha256_file(&out.join(&photo.path)).unwrap(), photo.sha256);
        assert_eq!((photo.width_px, photo.height_px), (96, 80));
    }
    assert_eq!(files_of(&out).len(), 41);
    assert_eq!(Manifest::read(&out.join("manifest.json")).unwrap(), manifest);
    assert_eq!(files_of(source.path()), before);
    // No other file is left beside it.
    assert_eq!(std::fs::read_dir(home.path().join("data")).unwrap().count(), 1);
}

#[test]
fn preparing_twice_gives_the_same_bytes() {
    let source = source(9);
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("a"), home.path().join("b"));
    run(source.path(), &a).unwrap();
    run(source.path(), &b).unwrap();
    assert_eq!(files_of(&a), files_of(&b));
    assert_eq!(run(source.path(), &a).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(files_of(&a), files_of(&b));
    // Another number of threads and another folder give the same manifest.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let c = home.path().join("c");
    pool.install(|| run(source.path(), &c)).unwrap();
    assert_eq!(files_of(&c), files_of(&b));
}

#[test]
fn who_says_stop_finds_everything_as_it_was() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    run(source.path(), &out).unwrap();
    let before = files_of(&out);
    let options = PrepareOptions { seed: 7, ..PrepareOptions::default() };
    // Stop at the first photo, and at the last, when only the writing remains.
    let one_by_one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for at in [1, 16] {
        STOP.store(false, Ordering::Relaxed);
        let looked_at = AtomicUsize::new(0);
        let on = |event: Event<'_>| {
            let Event::Photos { done, .. } = event else { return };
            looked_at.store(done, Ordering::Relaxed);
            STOP.fetch_or(done >= at, Ordering::Relaxed);
        };
        let stopped =
            one_by_one.install(|| prepare(source.path(), &out, &options, Task::new(&STOP, &on)));
        assert!(matches!(stopped, Err(DataError::Stopped(_))), "{stopped:?}");
        assert_eq!(looked_at.into_inner(), at);
        assert_eq!(files_of(&out), before);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "only `out`");
    }
}

#[test]
fn an_output_of_ours_is_replaced_and_restored_but_never_one_with_other_files() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let first = run(source.path(), &out).unwrap().manifest;
    let victim = out.join(&first.photos[0].path);
    std::fs::remove_file(&victim).unwrap();
    assert!(matches!(Dataset::open(&out), Err(DataError::MissingPhotos { missing: 1, .. })));
    assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Replaced);
    assert!(victim.is_file());
    let options = PrepareOptions { seed: 7, ..PrepareOptions::default() };
    let again = prepare(source.path(), &out, &options, Task::unwatched()).unwrap();
    assert_eq!(again.outcome, Outcome::Replaced);
    assert_ne!(again.manifest, first);
    assert_eq!(Dataset::open(&out).unwrap().manifest(), &again.manifest);

    std::fs::write(out.join("train/notes.txt"), "mine").unwrap();
    let error = message(run(source.path(), &out));
    assert!(error.contains("notes.txt") && error.contains("hint:"), "{error}");
    assert_eq!(std::fs::read(out.join("train/notes.txt")).unwrap(), b"mine");

    let other = home.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "mine").unwrap();
    let error = message(run(source.path(), &other));
    assert!(error.contains("holds no manifest.json") && error.contains("hint:"), "{error}");
    assert_eq!(files_of(&other).len(), 1);
}

#[test]
fn what_a_killed_process_left_is_put_back_or_removed() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    run(source.path(), &out).unwrap();
    let staging = home.path().join(".kennel-prepare-out");
    let only_out = || std::fs::read_dir(home.path()).unwrap().count() == 1;

    // A process was killed while it copied photos.
    std::fs::create_dir_all(staging.join("tree/train")).unwrap();
    assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Unchanged);
    assert!(only_out());

    // A process was killed after it moved the old output away, and before it moved the new one in.
    std::fs::create_dir(&staging).unwrap();
    std::fs::rename(&out, staging.join("old")).unwrap();
    assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Unchanged);
    assert!(only_out());
}

#[test]
fn one_process_at_a_time_writes_to_an_output() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let held = Lock::try_acquire(&home.path().join(".kennel-prepare-out.lock")).unwrap().unwrap();
    let error = message(run(source.path(), &out));
    assert!(error.contains("another process") && error.contains("hint:"), "{error}");
    run(source.path(), &home.path().join("elsewhere")).unwrap();
    drop(held);
    run(source.path(), &out).unwrap();
}

#[test]
fn what_somebody_reads_is_not_replaced_and_what_changes_nothing_is_done_beside_it() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let then = run(source.path(), &out).unwrap().manifest;
    let again = || {
        let options = PrepareOptions { seed: 7, ..PrepareOptions::default() };
        prepare(source.path(), &out, &options, Task::unwatched())
    };
    let path = out.join("manifest.json");
    let before = files_of(&out);
    let opened = Dataset::open(&out).unwrap();
    let of_run = Dataset::of_run(&out, then, &path, &[Split::Val]).unwrap().0;
    // Readers do not exclude each other, and a clone of a reader keeps the lock, too.
    let copy = opened.clone();
    drop(opened);
    assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Unchanged);
    let error = message(again());
    assert!(
        error.contains("is being read by another process")
            && error.contains("OtherOutput(BeingRead)"),
        "{error}"
    );
    drop(copy);
    assert!(again().is_err());
    assert_eq!(files_of(&out), before);
    drop(of_run);
    let held = Lock::try_acquire_existing(&path).unwrap().unwrap();
    let error = message(Dataset::open(&out));
    assert!(error.contains("is being replaced") && error.contains("hint:"), "{error}");
    drop(held);
    assert_eq!(again().unwrap().outcome, Outcome::Replaced);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "only `out`");
}

#[test]
fn a_folder_with_a_test_part_alone_is_judged_and_not_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        save(&drawn(class as u32), dir.path().join("other/test").join(name).join("1.png"));
    }
    let other = dir.path().join("other");
    let data = judged(&other).unwrap();
    assert_eq!((data.classes().len(), data.photos(Split::Test).len()), (2, 2));
    assert_eq!(data.manifest().notes, [""; 0]);
    let error = message(Dataset::open(&other));
    assert!(error.contains("has no training part") && error.contains("hint:"), "{error}");
    assert!(message(run(&other, &dir.path().join("out"))).contains("has no training part"));
    // If the network knows a class, folders inside that class's folder hold its photos.
    save(&drawn(9), dir.path().join("mine/cats/day/2.png"));
    save(&drawn(10), dir.path().join("mine/cats/night/2.png"));
    let known = ["cats", "dogs"].map(String::from);
    let options = PrepareOptions { known: Some(&known), ..PrepareOptions::default() };
    let data =
        Dataset::open_to_judge(&dir.path().join("mine"), &options, Task::unwatched()).unwrap();
    assert_eq!(data.classes(), ["cats"]);
}

#[test]
fn an_output_that_overlaps_the_source_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("photos");
    draw_source(&source, 8);
    let before = files_of(home.path());
    for out in [
        source.join("out"),
        source.clone(),
        source.join("cats"),
        source.join("nowhere/../out"),
        home.path().into(),
    ] {
        let error = message(run(&source, &out));
        assert!(error.contains("inside the source"), "{error}");
    }
    assert_eq!(files_of(home.path()), before);
}

#[test]
fn planted_duplicates_never_stand_on_two_sides() {
    let source = source(20);
    let at = |name: &str| source.path().join(name);
    std::fs::copy(at("cats/03.png"), at("cats/copy.png")).unwrap();
    std::fs::copy(at("cats/04.png"), at("dogs/another.png")).unwrap();
    let original = image::open(at("dogs/05.png")).unwrap().to_rgb8();
    let small = image::imageops::resize(&original, 72, 65, image::imageops::FilterType::Triangle);
    save(&small, at("dogs/small.png"));
    let mut bright = image::open(at("dogs/06.png")).unwrap().to_rgb8();
    kennel_data::color::adjust_brightness(&mut bright, 1.1);
    let file = std::fs::File::create(at("dogs/bright.jpg")).unwrap();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(file, 60);
    bright.write_with_encoder(encoder).unwrap();

    let home = tempfile::tempdir().unwrap();
    let mut sides = BTreeSet::new();
    for seed in 0..12 {
        let out = home.path().join(seed.to_string());
        let options = PrepareOptions { seed, ..PrepareOptions::default() };
        let manifest = prepare(source.path(), &out, &options, Task::unwatched()).unwrap().manifest;
        let split_of: BTreeMap<&str, (Split, &str)> = manifest
            .photos
            .iter()
            .map(|p| (p.path.as_str(), (p.split, p.source.as_str())))
            .collect();
        let mut groups: Vec<(DuplicateKind, Vec<&str>)> = Vec::new();
        for group in &manifest.duplicates {
            assert!(!group.crosses_splits);
            let splits: BTreeSet<Split> =
                group.paths.iter().map(|path| split_of[path.as_str()].0).collect();
            assert_eq!(splits.len(), 1, "{group:?}");
            sides.extend(splits);
            let mut sources: Vec<&str> =
                group.paths.iter().map(|path| split_of[path.as_str()].1).collect();
            sources.sort_unstable();
            groups.push((group.kind, sources));
        }
        groups.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(
            groups,
            [
                (DuplicateKind::Exact, vec!["cats/03.png", "cats/copy.png"]),
                (DuplicateKind::Exact, vec!["cats/04.png", "dogs/another.png"]),
                (DuplicateKind::Near, vec!["dogs/05.png", "dogs/small.png"]),
                (DuplicateKind::Near, vec!["dogs/06.png", "dogs/bright.jpg"]),
            ]
        );
        assert!(
            manifest.notes.iter().any(|note| note.contains("different classes")),
            "{:?}",
            manifest.notes
        );
    }
    assert!(sides.len() > 1, "duplicates are not always on the same side: {sides:?}");
}

#[test]
fn a_given_division_is_kept_and_its_crossing_duplicates_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    for (part, from) in [("train", 0), ("valid", 10), ("test", 20)] {
        for (class, name) in ["cats", "dogs"].iter().enumerate() {
            for i in from..from + 4 {
                save(
                    &drawn(1000 * class as u32 + i),
                    dir.path().join(format!("{part}/{name}/{i}.png")),
                );
            }
        }
    }
    std::fs::copy(dir.path().join("train/cats/0.png"), dir.path().join("test/cats/leak.png"))
        .unwrap();
    std::fs::write(dir.path().join("README.txt"), "hello").unwrap();
    let home = tempfile::tempdir().unwrap();
    let manifest = run(dir.path(), &home.path().join("out")).unwrap().manifest;
    assert_eq!(manifest.division, "given");
    let counts = manifest.counts(None);
    assert_eq!((counts.train, counts.val, counts.test), (8, 8, 9));
    assert!(
        manifest
            .photos
            .iter()
            .any(|photo| photo.source == "valid/dogs/10.png" && photo.path == "val/dogs/10.png")
    );
    assert_eq!(manifest.duplicates.len(), 1);
    assert!(manifest.duplicates[0].crosses_splits);
    assert!(
        manifest.notes.iter().any(|note| note.contains("1 group of duplicates")),
        "{:?}",
        manifest.notes
    );
    assert_eq!(manifest.rejected[0].path, "README.txt");

    // A plain tree is opened as it is, with the same photos.
    let plain = Dataset::open(dir.path()).unwrap();
    assert!(!plain.is_prepared());
    assert_eq!(plain.photos(Split::Test).len(), 9);
    assert!(
        plain
            .photos(Split::Val)
            .iter()
            .all(|photo| photo.path.starts_with("valid/") && photo.file.is_file())
    );
    assert_eq!(plain.classes(), ["cats", "dogs"]);
}

#[test]
fn a_missing_validation_part_is_carved_out_of_training() {
    let dir = tempfile::tempdir().unwrap();
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for i in 0..24 {
            let part = if i < 20 { "train" } else { "test" };
            save(
                &drawn(1000 * class as u32 + i),
                dir.path().join(format!("{part}/{name}/{i}.png")),
            );
        }
    }
    let manifest = Dataset::open(dir.path()).unwrap().manifest().clone();
    let counts = manifest.counts(Some("cats"));
    assert_eq!((counts.train, counts.val, counts.test), (17, 3, 4));
    assert!(
        manifest.notes.iter().any(|note| note.contains("no validation part: 6 of its 40")),
        "{:?}",
        manifest.notes
    );
    std::fs::remove_dir_all(dir.path().join("test")).unwrap();
    let manifest = Dataset::open(dir.path()).unwrap().manifest().clone();
    assert_eq!(manifest.counts(None).test, 0);
    assert!(
        manifest.notes.iter().any(|note| note.contains("no test part")),
        "{:?}",
        manifest.notes
    );
}

#[test]
fn every_file_that_is_not_a_photo_is_a_row_with_its_reason() {
    let source = source(8);
    let at = |name: &str| source.path().join(name);
    std::fs::write(at("cats/list.jpg"), "a text file").unwrap();
    std::fs::write(at("cats/empty.png"), "").unwrap();
    std::fs::write(at("cats/.DS_Store"), "x").unwrap();
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90);
    drawn(5000).write_with_encoder(encoder).unwrap();
    assert!(decode(&jpeg).is_ok());
    std::fs::write(at("dogs/cut.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    save(&RgbImage::new(63, 200), at("dogs/thin.png"));
    std::fs::write(at("readme.md"), "hello").unwrap();
    std::fs::write(at("dogs/photo.dat"), &jpeg).unwrap();
    std::fs::create_dir(at("birds")).unwrap();
    std::fs::write(at("birds/notes.txt"), "none yet").unwrap();

    let manifest = Dataset::open(source.path()).unwrap().manifest().clone();
    let rows: Vec<(&str, &str)> =
        manifest.rejected.iter().map(|row| (row.path.as_str(), row.reason.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("birds/notes.txt", "not an image: begins with \"none yet\""),
            ("cats/.DS_Store", "hidden"),
            ("cats/empty.png", "empty file"),
            ("cats/list.jpg", "not an image: begins with \"a text file\""),
            (
                "dogs/cut.jpg",
                format!("truncated: no end-of-image marker in {} bytes of JPEG", jpeg.len() / 2)
                    .as_str()
            ),
            (
                "dogs/thin.png",
                "too small: 63 x 200 pixels, the shorter side must have 64 (`kennel prepare \
                 --min-side`)"
            ),
            ("readme.md", "not in a class folder"),
        ]
    );
    assert!(manifest.photos.iter().any(|photo| photo.path == "dogs/photo.dat"));
    assert!(manifest.notes.iter().any(|note| note.contains("`birds` holds no usable photo")));
    // Every file is a photo or a rejected row.
    assert_eq!(manifest.photos.len() + rows.len(), files_of(source.path()).len());
}

fn judged(folder: &Path) -> kennel_data::Result<Dataset> {
    Dataset::open_to_judge(folder, &PrepareOptions::default(), Task::unwatched())
}

#[test]
fn a_class_that_is_not_known_is_told_before_the_photos_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    for (class, seed) in [("cats", 1), ("dogs", 2), ("foxes", 3)] {
        save(&drawn(seed), dir.path().join(class).join("1.png"));
    }
    let looked_at = AtomicUsize::new(0);
    let open = |known: &[String]| {
        let options = PrepareOptions { known: Some(known), ..PrepareOptions::default() };
        looked_at.store(0, Ordering::Relaxed);
        let never = AtomicBool::new(false);
        let on = |event: Event<'_>| {
            let Event::Photos { done, .. } = event else { return };
            looked_at.fetch_max(done, Ordering::Relaxed);
        };
        Dataset::open_to_judge(dir.path(), &options, Task::new(&never, &on))
    };
    let known = ["cats", "dogs", "foxes"].map(String::from);
    assert!(open(&known).is_ok());
    assert_eq!(looked_at.load(Ordering::Relaxed), 3);
    assert!(
        matches!(open(&known[..2]), Err(DataError::UnknownClass { found, .. }) if found == "foxes")
    );
    assert_eq!(looked_at.load(Ordering::Relaxed), 0);
    // A network that knows a class can be evaluated on photos of this class alone.
    let one = tempfile::tempdir().unwrap();
    save(&drawn(4), one.path().join("dogs/1.png"));
    let options = PrepareOptions { known: Some(&known), ..PrepareOptions::default() };
    assert_eq!(
        Dataset::open_to_judge(one.path(), &options, Task::unwatched()).unwrap().classes(),
        ["dogs"]
    );
    // A folder without a photo is no class.
    std::fs::write(dir.path().join("foxes/1.png"), "no photo").unwrap();
    assert!(open(&known[..2]).is_ok());
}

#[test]
fn bad_sources_are_clear_errors_and_leave_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let empty = tempfile::tempdir().unwrap();
    let check = |source: &Path, expected: &str| {
        let error = message(run(source, &out));
        assert!(error.contains(expected) && error.contains("hint:"), "{error}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "something is left behind");
        assert!(Dataset::open(source).is_err());
    };
    check(&empty.path().join("nowhere"), "there is no ");
    check(empty.path(), "the folder is empty");
    save(&drawn(1), empty.path().join("cats/1.png"));
    save(&drawn(2), empty.path().join("cats/2.png"));
    check(empty.path(), "has one class, `cats`");
    save(&drawn(3), empty.path().join("dogs/1.png"));
    check(empty.path(), "class `dogs` has 0 training photos (1 usable in all");
    // Of the files that were left out, the error names only those of this class.
    std::fs::write(empty.path().join("cats/notes.txt"), "no photo").unwrap();
    assert!(!message(run(empty.path(), &out)).contains("notes.txt"));
    std::fs::write(empty.path().join("dogs/2.jpg"), "no photo").unwrap();
    check(empty.path(), "; dogs/2.jpg cannot be used: ");
    std::fs::remove_file(empty.path().join("cats/notes.txt")).unwrap();
    std::fs::remove_file(empty.path().join("dogs/2.jpg")).unwrap();
    let preset =
        PrepareOptions { preset: Some(Preset::StanfordDogs5), ..PrepareOptions::default() };
    let error = message(prepare(empty.path(), &out, &preset, Task::unwatched()));
    assert!(error.contains("stanford-dogs-5") && error.contains("n02088364-beagle"), "{error}");
    let fractions = Fractions { train: 0.9, val: 0.9 };
    let wrong = PrepareOptions { fractions, ..PrepareOptions::default() };
    assert!(message(prepare(empty.path(), &out, &wrong, Task::unwatched())).contains("fractions"));
}

#[test]
fn classes_that_are_folders_of_folders_are_noted() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, salt) in [("animals/cats", 0), ("animals/dogs", 100), ("plants/roses", 200)] {
        for i in 0..4 {
            save(&drawn(salt + i), dir.path().join(folder).join(format!("{i}.png")));
        }
    }
    let notes = Dataset::open(dir.path()).unwrap().manifest().notes.join("\n");
    assert!(notes.contains("class `animals` lie in 2 folders in `animals`; if those"), "{notes}");
    assert!(!notes.contains("class `plants`"), "{notes}");
}

#[test]
fn a_prepared_folder_says_what_lies_beside_its_manifest_and_above_it() {
    let home = tempfile::tempdir().unwrap();
    let source = source(8);
    let out = home.path().join("out");
    run(source.path(), &out).unwrap();
    let error = message(Dataset::open(home.path()));
    assert!(
        error.contains("holds a prepared data set") && error.contains("hint: OtherData"),
        "{error}"
    );
    let error = message(Dataset::open(&out.join("train")));
    assert!(error.contains("is one part of a prepared data set"), "{error}");
    let error = message(run(&out.join("train"), &home.path().join("again")));
    assert!(error.contains("is one part of a prepared data set"), "{error}");
    assert!(judged(&out.join("train")).is_ok());
    assert_eq!(Dataset::open(&out).unwrap().unlisted().unwrap(), [""; 0]);
    // Files of a file manager do not matter. A photo that a user put there is reported, and not
    // lost.
    std::fs::write(out.join(".DS_Store"), "").unwrap();
    assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Unchanged);
    save(&drawn(99), out.join("train/new/99.png"));
    assert_eq!(Dataset::open(&out).unwrap().unlisted().unwrap(), ["train/new/99.png"]);
    assert!(message(run(source.path(), &out)).contains("train/new/99.png"));
}

#[test]
fn parts_are_known_by_their_usual_names() {
    let dir = tempfile::tempdir().unwrap();
    for (index, part) in ["Training", "Val", "TEST"].iter().enumerate() {
        for (class, name) in ["cats", "dogs"].iter().enumerate() {
            save(
                &drawn((10 * index + class) as u32),
                dir.path().join(part).join(name).join("1.png"),
            );
        }
    }
    let manifest = Dataset::open(dir.path()).unwrap().manifest().clone();
    assert_eq!((manifest.classes.len(), manifest.division.as_str()), (2, "given"));
    let counts = manifest.counts(None);
    assert_eq!((counts.train, counts.val, counts.test), (2, 2, 2));
}

#[test]
fn photos_of_a_run_are_found_where_they_are_now() {
    let home = tempfile::tempdir().unwrap();
    let source = source(20);
    let out = home.path().join("out");
    let then = run(source.path(), &out).unwrap().manifest;
    prepare(
        source.path(),
        &out,
        &PrepareOptions { seed: 7, ..PrepareOptions::default() },
        Task::unwatched(),
    )
    .unwrap();
    let path = out.join("manifest.json");
    let (found, gone) = Dataset::of_run(&out, then.clone(), &path, &[Split::Val]).unwrap();
    assert_eq!(gone, 0);
    assert!(found.photos(Split::Train).is_empty() && !found.photos(Split::Val).is_empty());
    for photo in found.photos(Split::Val).iter() {
        let digest = kennel_core::files::sha256_file(&photo.file).unwrap();
        assert_eq!(digest, found.manifest().photos[photo.index].sha256);
    }
    // A folder that was never prepared, with a renamed class and a missing photo.
    let own = tempfile::tempdir().unwrap();
    let all = then.photos.iter().filter(|photo| photo.split == Split::Val).skip(1);
    for (index, photo) in all.clone().enumerate() {
        std::fs::create_dir_all(own.path().join("renamed")).unwrap();
        std::fs::copy(
            source.path().join(&photo.source),
            own.path().join(format!("renamed/{index}.png")),
        )
        .unwrap();
    }
    let (found, gone) = Dataset::of_run(own.path(), then.clone(), &path, &[Split::Val]).unwrap();
    assert_eq!((found.photos(Split::Val).len(), gone), (all.count(), 1));
    let nothing = tempfile::tempdir().unwrap();
    let refused = Dataset::of_run(nothing.path(), then, &path, &[Split::Val]);
    assert!(matches!(refused, Err(DataError::MissingPhotos { .. })));
}

#[test]
fn photos_to_judge_a_network_on_may_be_one_of_a_class() {
    let dir = tempfile::tempdir().unwrap();
    save(&drawn(1), dir.path().join("cats/1.png"));
    save(&drawn(2), dir.path().join("dogs/1.png"));
    assert!(message(Dataset::open(dir.path())).contains("has 0 training photos"));
    assert_eq!(judged(dir.path()).unwrap().all_photos().len(), 2);
    let error = message(judged(&dir.path().join("cats")));
    assert!(error.contains("hint: ExpectedFolders") && error.contains("above: true"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_output_that_cannot_be_written_is_a_clear_error() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    // A file in the way stops everyone, even the superuser, whom a read-only folder does not stop.
    std::fs::write(home.path().join("file"), "").unwrap();
    let error = message(run(source.path(), &home.path().join("file/out")));
    assert!(error.starts_with("cannot "), "{error}");
    use std::os::unix::fs::PermissionsExt;
    let locked = home.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(locked.join("probe"), "").is_err() {
        let error = message(run(source.path(), &locked.join("out")));
        assert!(error.contains("hint: OtherPlace"), "{error}");
    }
}

#[test]
fn names_with_unicode_and_spaces_work_and_equal_file_names_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    for (class, name) in ["Немецкая овчарка", "ゴールデン 🐕"].iter().enumerate()
    {
        for i in 0..8 {
            save(
                &drawn(1000 * class as u32 + i),
                dir.path().join(name).join(format!("фото {i}.png")),
            );
        }
        save(&drawn(1000 * class as u32 + 50), dir.path().join(name).join("more/фото 1.png"));
    }
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("вывод данных");
    let options = PrepareOptions {
        fractions: Fractions { train: 1.0, val: 0.0 },
        ..PrepareOptions::default()
    };
    let manifest = prepare(dir.path(), &out, &options, Task::unwatched()).unwrap().manifest;
    assert_eq!(manifest.classes, ["Немецкая овчарка", "ゴールデン 🐕"]);
    let path_of =
        |source: &str| &manifest.photos.iter().find(|photo| photo.source == source).unwrap().path;
    assert_eq!(path_of("Немецкая овчарка/more/фото 1.png"), "train/Немецкая овчарка/фото 1.png");
    assert_eq!(path_of("Немецкая овчарка/фото 1.png"), "train/Немецкая овчарка/фото 1-2.png");
    assert_eq!(Dataset::open(&out).unwrap().photos(Split::Train).len(), 18);
}

/// Stanford Dogs' own layout, as a folder and as a tar.
fn stanford() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (at, name) in [
        "n02088364-beagle",
        "n02108089-boxer",
        "n02106662-German_shepherd",
        "n02099601-golden_retriever",
        "n02113624-toy_poodle",
        "n02113799-standard_poodle",
    ]
    .iter()
    .enumerate()
    {
        let synset = &name[..9];
        for i in 0..7 {
            let salt = 100 * at as u32 + i;
            save(&drawn(salt), dir.path().join(format!("Images/{name}/{synset}_{i}.png")));
        }
    }
    dir
}

#[test]
fn stanford_dogs_is_read_as_folder_and_as_tar() {
    let dir = stanford();
    let home = tempfile::tempdir().unwrap();
    let tar_path = home.path().join("images.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&tar_path).unwrap());
    builder.append_dir_all("Images", dir.path().join("Images")).unwrap();
    builder.into_inner().unwrap();
    let five = ["beagle", "boxer", "german_shepherd", "golden_retriever", "poodle"];
    let with = |source: PathBuf, preset, out: &str| {
        let options = PrepareOptions { preset, ..PrepareOptions::default() };
        prepare(&source, &home.path().join(out), &options, Task::unwatched()).unwrap().manifest
    };
    let folder = with(dir.path().into(), Some(Preset::StanfordDogs5), "folder");
    assert_eq!(folder.classes, five);
    assert_eq!(folder.photos.len(), 35);
    let images = with(dir.path().join("Images"), Some(Preset::StanfordDogs5), "images");
    assert_eq!(images.classes, five);
    let tar = with(tar_path, Some(Preset::StanfordDogs5), "tar");
    assert_eq!(tar, folder);
    assert_eq!(files_of(&home.path().join("tar")), files_of(&home.path().join("folder")));
    for preset in [Some(Preset::StanfordDogs), None] {
        let all = with(dir.path().into(), preset, &format!("all-{preset:?}"));
        assert_eq!(
            all.classes,
            [
                "beagle",
                "boxer",
                "german_shepherd",
                "golden_retriever",
                "standard_poodle",
                "toy_poodle"
            ]
        );
    }
    // No unpacked folder is left.
    assert!(
        std::fs::read_dir(home.path()).unwrap().all(|e| !e
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.'))
    );
}

#[test]
fn stanford_dogs_is_found_however_it_was_unpacked() {
    let dir = stanford();
    let images = dir.path().join("Images");
    let note = |folder: &Path, name: &str| {
        for breed in std::fs::read_dir(&images).unwrap() {
            let folder = folder.join(name).join(breed.unwrap().file_name());
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("n02088364_7"), "<annotation>").unwrap();
        }
    };
    let home = tempfile::tempdir().unwrap();
    let copy = |to: &str| {
        for (name, _) in files_of(&images) {
            let target = home.path().join(to).join(&name);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(images.join(&name), target).unwrap();
        }
    };
    copy("kaggle/images/Images");
    note(&home.path().join("kaggle/annotations"), "Annotation");
    copy("lower/images");
    note(&home.path().join("lower"), "Annotation");
    copy("nested/StanfordDogs/Images");
    copy("lone/breeds");
    for (at, source) in ["kaggle", "lower", "nested", "lone"].iter().enumerate() {
        for preset in [Some(Preset::StanfordDogs5), Some(Preset::StanfordDogs), None] {
            let options = PrepareOptions { preset, ..PrepareOptions::default() };
            let out = tempfile::tempdir().unwrap();
            let prepared = prepare(
                &home.path().join(source),
                &out.path().join("o"),
                &options,
                Task::unwatched(),
            )
            .unwrap();
            let five = preset == Some(Preset::StanfordDogs5);
            assert_eq!(prepared.manifest.classes.len(), if five { 5 } else { 6 }, "{source}");
            assert_eq!(prepared.manifest.rejected, [], "{source}");
            let notes = prepared.manifest.notes.iter().filter(|note| note.contains("annotations"));
            assert_eq!(notes.count(), usize::from(at < 2), "{source}");
        }
    }
}

#[test]
fn a_divided_folder_in_a_folder_of_its_own_is_found_and_a_class_called_annotation_stays_one() {
    let home = tempfile::tempdir().unwrap();
    for (class, name) in ["cats", "annotation"].iter().enumerate() {
        for (part, photos) in [("train", 0..6), ("val", 6..8), ("test", 8..10)] {
            for i in photos {
                let path = home.path().join(format!("x/dataset/{part}/{name}/{i}.png"));
                save(&drawn(1000 * class as u32 + i), path);
            }
        }
    }
    let manifest = run(&home.path().join("x"), &home.path().join("out")).unwrap().manifest;
    assert_eq!(manifest.classes, ["annotation", "cats"]);
    assert_eq!(manifest.counts(None).train, 12);
}

#[test]
fn hard_links_share_the_bytes() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("linked");
    let options = PrepareOptions { link: true, ..PrepareOptions::default() };
    let manifest = prepare(source.path(), &out, &options, Task::unwatched()).unwrap().manifest;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let photo = &manifest.photos[0];
        assert_eq!(
            std::fs::metadata(out.join(&photo.path)).unwrap().ino(),
            std::fs::metadata(source.path().join(&photo.source)).unwrap().ino()
        );
        // Preparing with links again changes nothing; preparing without links makes copies.
        assert_eq!(
            prepare(source.path(), &out, &options, Task::unwatched()).unwrap().outcome,
            Outcome::Unchanged
        );
        assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Replaced);
        assert_eq!(std::fs::metadata(out.join(&photo.path)).unwrap().nlink(), 1);
        assert_eq!(run(source.path(), &out).unwrap().outcome, Outcome::Unchanged);
    }
}

#[test]
fn a_manifest_that_leads_out_of_its_folder_is_refused() {
    let source = source(8);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut manifest = run(source.path(), &out).unwrap().manifest;
    manifest.photos[0].path = "../../secret.png".into();
    manifest.write(&out.join("manifest.json")).unwrap();
    let error = Dataset::open(&out).unwrap_err().to_string();
    assert!(error.contains("leads out of the folder"), "{error}");
}
