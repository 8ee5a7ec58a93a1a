//! Folders whose photos join those of a source.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{drawn, save};
use kennel_core::{Manifest, PhotoRecord, Split, Task, files};
use kennel_data::{DataError, Dataset, PrepareOptions, prepare};

/// Writes `count` photos, each unlike all others of another `salt`.
fn draw(folder: &Path, salt: u32, count: u32) {
    for i in 0..count {
        save(&drawn(salt + i), folder.join(format!("{i:02}.png")));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
}

fn prepared(
    source: &Path,
    added: &[PathBuf],
    out: &Path,
    labels: Option<&Path>,
) -> Result<Manifest, DataError> {
    let options = PrepareOptions { added, labels, ..PrepareOptions::default() };
    prepare(source, out, &options, Task::unwatched()).map(|prepared| prepared.manifest)
}

fn photo<'a>(manifest: &'a Manifest, source: &str) -> &'a PhotoRecord {
    manifest.photos.iter().find(|photo| photo.source == source).expect(source)
}

fn digests(folder: &Path) -> BTreeMap<PathBuf, String> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    let files = files.filter(|path| path.is_file());
    files.map(|path| (path.clone(), files::sha256_file(&path).unwrap())).collect()
}

#[test]
fn added_photos_join_their_class_and_stay_with_their_duplicates() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    draw(&at("photos/cats"), 0, 10);
    draw(&at("photos/dogs"), 1000, 10);
    draw(&at("new/cats"), 2000, 2);
    draw(&at("new/wolves"), 3000, 7);
    copy(&at("photos/cats/03.png"), &at("new/cats/copy.png"));
    std::fs::write(at("new/cats/broken.jpg"), "no photo").unwrap();
    let before = [digests(&at("photos")), digests(&at("new"))];
    let added = [at("new")];
    let manifest = prepared(&at("photos"), &added, &at("out"), None).unwrap();

    assert_eq!(manifest.classes, ["cats", "dogs", "wolves"]);
    assert_eq!(manifest.photos.len(), 30);
    assert_eq!(manifest.rejected[0].path, "+new/cats/broken.jpg");
    let copied = photo(&manifest, "+new/cats/copy.png");
    assert_eq!(copied.label, "cats");
    assert_eq!(copied.split, photo(&manifest, "cats/03.png").split);
    for own in manifest.photos.iter().filter(|photo| !photo.source.starts_with('+')) {
        assert_eq!(own.path, format!("{}/{}", own.split, own.source), "it keeps its name");
    }
    assert!(manifest.notes.iter().any(|note| note == "Photos added as `+new`: 10."));
    // As many folds as there are photos to hold the two apart, if anything did.
    for fold in Dataset::open(&at("out")).unwrap().folds(3, 7).unwrap() {
        let split = |source: &str| photo(fold.manifest(), source).split;
        assert_eq!(split("+new/cats/copy.png"), split("cats/03.png"));
    }

    // Corrections name an added photo as the manifest does.
    let labels = at("labels.csv");
    let rows = "+new/cats/00.png,cats,dogs,\n+new/wolves/00.png,wolves,,yes\n";
    std::fs::write(&labels, format!("path,label,suggested,aside\n{rows}")).unwrap();
    let manifest = prepared(&at("photos"), &added, &at("out"), Some(&labels)).unwrap();
    assert_eq!(photo(&manifest, "+new/cats/00.png").label, "dogs");
    assert!(manifest.photos.iter().all(|photo| photo.source != "+new/wolves/00.png"));

    assert_eq!([digests(&at("photos")), digests(&at("new"))], before);
}

#[test]
fn in_a_divided_source_added_photos_are_for_training_or_go_with_what_they_resemble() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    for (class, name) in ["cats", "dogs"].iter().enumerate() {
        for (part, salt) in [("train", 0), ("val", 100), ("test", 200)] {
            draw(&at("photos").join(part).join(name), 1000 * class as u32 + salt, 4);
        }
    }
    draw(&at("new/cats"), 5000, 2);
    copy(&at("photos/test/dogs/01.png"), &at("new/dogs/seen.png"));
    draw(&at("more/dogs"), 6000, 1);
    let manifest = prepared(&at("photos"), &[at("new"), at("more")], &at("out"), None).unwrap();
    assert_eq!(manifest.division, "given");
    let splits =
        ["+new/cats/00.png", "+new/cats/01.png", "+more/dogs/00.png", "+new/dogs/seen.png"]
            .map(|source| photo(&manifest, source).split);
    assert_eq!(splits, [Split::Train, Split::Train, Split::Train, Split::Test]);
    assert!(manifest.duplicates.iter().all(|group| !group.crosses_splits));
    let note = "its training part gets 3 of 4 added photos; 1 join another part";
    assert!(manifest.notes.iter().any(|said| said.contains(note)), "{:?}", manifest.notes);
}

#[test]
fn a_folder_that_cannot_be_added_is_named_and_nothing_is_written() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    draw(&at("photos/cats"), 0, 4);
    draw(&at("photos/dogs"), 1000, 4);
    draw(&at("new/cats"), 2000, 1);
    draw(&at("other/new/cats"), 3000, 1);
    draw(&at("divided/train/cats"), 4000, 1);
    draw(&at("divided/test/cats"), 4100, 1);
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::write(at("file"), "").unwrap();
    for (added, reason) in [
        (vec!["nowhere"], "it cannot be read"),
        (vec!["file"], "it is a file"),
        (vec!["empty"], "it has no folder of a class"),
        (vec!["photos"], "it lies in "),
        (vec!["photos/cats"], "it lies in "),
        (vec!["new", "new"], "it lies in "),
        (vec!["new", "other/new"], "other photos have the name `+new` already"),
        (vec!["divided"], "is called like a part of a division"),
    ] {
        let added: Vec<PathBuf> = added.into_iter().map(at).collect();
        let error = prepared(&at("photos"), &added, &at("out"), None).unwrap_err().to_string();
        assert!(error.starts_with("cannot add the photos of "), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    let inside = prepared(&at("photos"), &[at("new")], &at("new/out"), None).unwrap_err();
    assert!(matches!(inside, DataError::OutputInsideSource { .. }), "{inside}");
    assert!(!at("out").exists());
}

#[cfg(unix)]
#[test]
fn beside_a_tar_added_photos_are_copied_not_linked() {
    use std::os::unix::fs::MetadataExt;
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    draw(&at("photos/cats"), 0, 4);
    draw(&at("photos/dogs"), 1000, 4);
    draw(&at("new/cats"), 2000, 1);
    let mut tar = tar::Builder::new(std::fs::File::create(at("photos.tar")).unwrap());
    tar.append_dir_all("photos", at("photos")).unwrap();
    tar.finish().unwrap();
    drop(tar);
    let manifest = prepared(&at("photos.tar"), &[at("new")], &at("out"), None).unwrap();
    let added = photo(&manifest, "+new/cats/00.png");
    for path in [at("new/cats/00.png"), at("out").join(&added.path)] {
        assert_eq!(std::fs::metadata(path).unwrap().nlink(), 1);
    }
}
