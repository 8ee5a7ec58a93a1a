//! A table of photos as a source.

mod common;

use std::path::Path;

use common::{drawn, save};
use kennel_core::{Manifest, Task};
use kennel_data::{DataError, PrepareOptions, prepare};

/// Draws 10 photos of each class into `photos/<class>/`, and returns their paths.
fn draw(here: &Path) -> Vec<(String, &'static str)> {
    let mut paths = Vec::new();
    for (place, class) in ["ant", "bee, wasp"].into_iter().enumerate() {
        for number in 0..10 {
            let path = format!("photos/{class}/{number}.png");
            save(&drawn(100 * place as u32 + number), here.join(&path));
            paths.push((path, class));
        }
    }
    paths
}

fn prepared(source: &Path, out: &Path) -> Result<Manifest, DataError> {
    let task = Task::unwatched();
    prepare(source, out, &PrepareOptions::default(), task).map(|prepared| prepared.manifest)
}

fn of_table(here: &Path, text: &str) -> Result<Manifest, String> {
    let table = here.join("photos.csv");
    std::fs::write(&table, text).unwrap();
    let short = |error: DataError| error.to_string().replace(&*here.to_string_lossy(), "");
    prepared(&table, &here.join("of-table")).map_err(short)
}

#[test]
fn a_table_of_a_folder_is_divided_like_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let photos = draw(here);
    let of_folder = prepared(&here.join("photos"), &here.join("of-folder")).unwrap();
    // As a spreadsheet on Windows writes it.
    let lines = photos.iter().map(|(path, class)| format!("\"{class}\",x,\"{path}\"\r\n"));
    let text = format!("\u{feff}label,note,path\r\n{}", lines.collect::<String>());
    let of_table = of_table(here, &text).unwrap();
    let facts = |manifest: &Manifest| -> Vec<_> {
        let photos = manifest.photos.iter();
        photos.map(|p| (p.path.clone(), p.label.clone(), p.split, p.sha256.clone())).collect()
    };
    assert_eq!(facts(&of_table), facts(&of_folder));
    assert_eq!(of_table.photos_sha256(), of_folder.photos_sha256());
    assert_eq!((of_table.division.as_str(), of_table.grouped_by), ("stratified", None));
}

#[test]
fn a_table_may_divide_and_group_its_photos() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let photos = draw(here);
    let line = |(place, (path, class)): (usize, &(String, &str))| {
        let split = ["train", "train", "validation", "Test"][place % 4];
        format!("\"{path}\",\"{class}\",{split},nest {}\n", place / 4)
    };
    let lines: String = photos.iter().enumerate().map(line).collect();
    let manifest = of_table(here, &format!("path,label,split,group\n{lines}")).unwrap();
    let counts = manifest.counts(None);
    assert_eq!((counts.train, counts.val, counts.test), (10, 5, 5));
    assert_eq!(
        (manifest.division.as_str(), manifest.grouped_by.as_deref()),
        ("given", Some("csv"))
    );
    assert!(manifest.notes.iter().any(|note| note.contains("groups")), "{:?}", manifest.notes);
}

#[test]
fn every_line_that_cannot_be_used_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw(here);
    for (text, says) in [
        (
            "path,label\nphotos/ant/1.png,ant\nphotos/ant/99.png,ant\n",
            "photos.csv:3: there is no file `photos/ant/99.png`",
        ),
        ("path,class\nphotos/ant/1.png,ant\n", "there is no column `label` among `path, class`"),
        ("path,label\nphotos/ant/1.png,\n", "photos.csv:2: `photos/ant/1.png` has no label"),
        (
            "path,label\nphotos/ant/1.png,ant\nphotos/ant/1.png,bee\n",
            "photos.csv:3: `photos/ant/1.png` is listed in line 2 already",
        ),
        (
            "path,label,split\nphotos/ant/1.png,ant,train\nphotos/ant/2.png,ant,\n",
            "photos.csv:3: `photos/ant/2.png` has no split",
        ),
        ("path,label,split\nphotos/ant/1.png,ant,holdout\n", "the split `holdout` is none of"),
        ("path,label\nphotos,ant\n", "there is no file `photos`"),
        (
            "path,label\nphotos/ant/1.png,../../out\n",
            "has the label `../../out`: it has a character",
        ),
        ("path,label\nphotos/ant/1.png,..\n", "has the label `..`"),
    ] {
        let said = of_table(here, text).unwrap_err();
        assert!(said.contains(says), "{said}");
        assert!(!here.join("of-table").exists());
    }
}
