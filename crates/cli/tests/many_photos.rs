//! `kennel predict` on lists, tars and shares.

#[allow(dead_code)] // not every helper is used here
mod common;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use common::{command, draw_photos, fails, kennel, ok, prepared, stderr};

/// A folder with a trained run, `runs/one`, and new photos: `list` names three tars, a folder and
/// a photo.
fn trained() -> tempfile::TempDir {
    let dir = prepared(14);
    let here = dir.path();
    let tiny = "train --data data --model test_resnet --weights none --strategy full --side 32 \
                --epochs 1 --batch-size 8";
    ok(here, &tiny.split(' ').collect::<Vec<_>>());
    let run = std::fs::read_dir(here.join("runs")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(run, here.join("runs/one")).unwrap();
    draw_photos(&here.join("new"), 20);
    for number in 0..3 {
        let file = std::fs::File::create(here.join(format!("{number:03}.tar"))).unwrap();
        let mut tar = tar::Builder::new(file);
        for photo in 0..=4 * number {
            let name = format!("photo {photo:02}.png");
            tar.append_path_with_name(here.join("new/striped").join(&name), name).unwrap();
        }
        tar.finish().unwrap();
    }
    std::fs::write(here.join("new/broken.jpg"), "no photo").unwrap();
    std::fs::write(here.join("list"), "{000..002}.tar\nnew\nnew/broken.jpg\n").unwrap();
    dir
}

/// Labels what `list` names, with more arguments, and returns the rows.
fn rows(here: &Path, more: &[&str]) -> String {
    let args = [&["predict", "--run", "runs/one"], more].concat();
    let output = kennel(here, &args);
    assert_eq!(output.status.code(), Some(1), "one photo cannot be read: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shares_written_into_files_are_the_whole() {
    let dir = trained();
    let here = dir.path();
    let lines = ["--list", "list", "--format", "jsonl"];
    let all = rows(here, &lines);
    assert_eq!(all.lines().count(), 15 + 41 + 1);
    assert!(all.starts_with(r#"{"path":"000.tar/photo 00.png","label":"#), "{all}");

    let share = |index: usize| {
        let (shard, part) = (format!("{index}/3"), format!("part-{index}.jsonl"));
        let args =
            [&["predict", "--run", "runs/one", "--shard", &shard, "--out", &part], &lines[..]];
        (kennel(here, &args.concat()), here.join(part))
    };
    let read = |index| std::fs::read_to_string(share(index).1).unwrap();
    assert_eq!((0..3).map(read).collect::<String>(), all);
    // A finished part stays.
    std::fs::write(share(1).1, "done\n").unwrap();
    let (again, part) = share(1);
    assert!(again.status.success() && stderr(&again).contains("finished"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(part).unwrap(), "done\n");

    // The same labels as a table for spreadsheets, from a list on standard input.
    let csv =
        ["predict", "--run", "runs/one", "--list", "-", "--format", "csv", "--out", "all.csv"];
    let mut child = command(here, &csv).stdin(Stdio::piped()).spawn().unwrap();
    let list = std::fs::read(here.join("list")).unwrap();
    child.stdin.take().unwrap().write_all(&list).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let table = std::fs::read_to_string(here.join("all.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + all.lines().count());
    let beside = std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(beside.into_iter().all(|name| !name.to_string_lossy().contains("writing")));
}

#[test]
fn what_cannot_be_shared_or_read_is_said() {
    let dir = trained();
    let here = dir.path();
    let of =
        |args: &[&'static str]| fails(here, &[&["predict", "--run", "runs/one"], args].concat());
    let (status, said) = of(&["--list", "-", "--shard", "0/2"]);
    assert!(status == 2 && said.contains("standard input is read once"), "{said}");
    let (status, said) = of(&["-", "--list", "-"]);
    assert!(status == 2 && said.contains("either a photo or a list"), "{said}");
    let (_, said) = of(&["--list", "gone"]);
    assert!(said.contains("gone"), "{said}");
    let (status, said) = of(&["new", "--out", "no/such/folder.csv"]);
    assert!(status == 2 || said.contains("no/such/folder.csv"), "{said}");

    // A tar that was cut off in the middle of a photo: what is whole is labelled.
    let whole = std::fs::read(here.join("002.tar")).unwrap();
    std::fs::write(here.join("cut.tar"), &whole[..whole.len() / 2]).unwrap();
    let lines = rows(here, &["cut.tar", "--format", "jsonl"]);
    let unreadable: Vec<_> = lines.lines().filter(|line| line.contains("\"error\"")).collect();
    assert!(lines.lines().count() > unreadable.len() && !unreadable.is_empty(), "{lines}");
    assert!(unreadable.last().unwrap().contains("truncated"), "{lines}");
}
