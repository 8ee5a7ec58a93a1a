//! `kennel predict --sort-into` and `--undo`, as users meet them.

#[allow(dead_code)] // not every helper is used here
mod common;
#[cfg(unix)]
#[path = "common/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{draw_photos, fails, ok, prepared, stderr};

/// A folder with a trained run, `runs/one`, and `count` new photos of each class in `new`.
fn trained(count: u32) -> tempfile::TempDir {
    let dir = prepared(50);
    let here = dir.path();
    let tiny = "train --data data --model test_resnet --weights none --strategy full --side 32 \
                --epochs 4 --batch-size 8 --unknown-share 0.05";
    ok(here, &tiny.split(' ').collect::<Vec<_>>());
    let run = std::fs::read_dir(here.join("runs")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(run, here.join("runs/one")).unwrap();
    draw_photos(&here.join("new"), count);
    dir
}

/// Every file below a folder, with its bytes.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(
                    path.strip_prefix(folder).unwrap().into(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    files
}

const SORT: [&str; 6] = ["predict", "new", "--run", "runs/one", "--sort-into", "sorted"];

#[test]
fn photos_are_copied_by_label_and_what_cannot_be_read_stays() {
    let dir = trained(6);
    let here = dir.path();
    std::fs::write(here.join("new/broken.jpg"), "no photo").unwrap();
    let before = files_in(&here.join("new"));
    let plain = common::kennel(here, &["predict", "new", "--run", "runs/one"]);
    let sorted = common::kennel(here, &SORT);
    assert_eq!(sorted.status.code(), Some(1), "one photo cannot be read");
    assert_eq!(files_in(&here.join("new")), before, "photos stay as they are");
    let said = stderr(&sorted);
    assert!(said.contains("kennel predict --undo sorted"), "{said}");
    // The rows are those of a prediction.
    let rows =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(rows(&plain), rows(&sorted));

    let placed = files_in(&here.join("sorted"));
    let photos: Vec<&PathBuf> = placed.keys().filter(|path| path.iter().count() == 2).collect();
    assert_eq!(photos.len(), 12, "{photos:?}");
    let bins: std::collections::BTreeSet<String> =
        photos.iter().map(|path| path.iter().next().unwrap().to_string_lossy().into()).collect();
    let known = ["striped", "чёрный пёс 1", "unsure", "unknown"];
    assert!(bins.iter().all(|bin| known.contains(&bin.as_str())), "{bins:?}");
    assert!(!photos.iter().any(|path| path.ends_with("broken.jpg")));

    let all = common::kennel(here, &[&SORT[..], &["--min-confidence", "1", "--link"]].concat());
    assert!(stderr(&all).contains(" unsure"), "{}", stderr(&all));
    ok(here, &["predict", "--undo", "sorted"]);
    assert!(!here.join("sorted").exists());
    assert_eq!(files_in(&here.join("new")), before);

    let (status, said) = fails(here, &["predict", "--undo", "sorted"]);
    assert!(status == 1 && said.contains("no photos were sorted"), "{said}");
    for wrong in [
        &["predict", "new", "--run", "runs/one", "--move"][..],
        &["predict", "-", "--run", "runs/one", "--sort-into", "sorted"],
        &["predict", "new", "--run", "runs/one", "--sort-into", "sorted", "--move", "--copy"],
        &["predict", "new", "--undo", "sorted"],
        &["predict"],
    ] {
        assert_eq!(fails(here, wrong).0, 2, "{wrong:?}");
    }
    let inside = ["predict", "new", "--run", "runs/one", "--sort-into", "new/sorted"];
    let (status, said) = fails(here, &inside);
    assert!(status == 1 && said.contains("--sort-into"), "{said}");
    assert!(!here.join("new/sorted").exists());
}

#[cfg(unix)]
#[test]
fn a_move_that_is_killed_loses_no_byte_and_is_undone_or_gone_on_with() {
    use std::process::Stdio;

    use common::command;
    use nix::sys::signal::Signal;
    use process::{send, wait_until};

    let dir = trained(150);
    let here = dir.path();
    let before = files_in(&here.join("new"));
    let moves = [&SORT[..], &["--move"]].concat();
    let journal = here.join("sorted/sorted.jsonl");
    let lines =
        || std::fs::read(&journal).map_or(0, |text| text.iter().filter(|&&b| b == b'\n').count());
    for (round, at) in [1, 40, 100, 170, 240].into_iter().enumerate() {
        let mut child =
            command(here, &moves).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("a line of the journal", &mut child, || lines() >= at);
        send(Signal::SIGKILL, &child);
        child.wait().unwrap();
        // Every photo is in one of its places, whole.
        let mut left: Vec<Vec<u8>> = files_in(&here.join("new")).into_values().collect();
        left.extend(files_in(&here.join("sorted")).into_values());
        assert!(before.values().all(|photo| left.contains(photo)), "killed at line {at}");
        if round % 2 == 1 {
            ok(here, &moves);
            assert!(files_in(&here.join("new")).is_empty());
        }
        ok(here, &["predict", "--undo", "sorted"]);
        assert_eq!(files_in(&here.join("new")), before, "killed at line {at}");
        assert!(!here.join("sorted").exists());
    }
}
