//! The texts that users read: the help of every command, and each kind of error with its hint.
//!
//! `INSTA_UPDATE=always cargo test --release --workspace --test words` updates the snapshots; read
//! the difference before you commit it.

#[allow(dead_code)] // not every helper is used here
mod common;
#[path = "common/names.rs"]
mod names;

use std::path::Path;

use common::{command, ok, prepared};
use names::COMMANDS;

/// Runs a command and returns its output and status.
fn said(folder: &Path, args: &[&str]) -> String {
    let output = command(folder, args).env_remove("COLUMNS").output().unwrap();
    let status = output.status.code().expect("it ends by itself");
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("$ kennel {}\n{stdout}{stderr}status {status}\n", args.join(" "))
}

#[test]
fn the_help_of_every_command() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("help", said(dir.path(), &["--help"]));
    for name in COMMANDS {
        insta::assert_snapshot!(format!("help_{name}"), said(dir.path(), &[name, "--help"]));
    }
}

#[test]
fn the_list_of_models() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("models", said(dir.path(), &["models"]));
    let one = ["models", "--model", "vit_small_patch14_dinov2"];
    insta::assert_snapshot!("models_without_classifier", said(dir.path(), &one));
}

#[test]
fn every_kind_of_error_with_its_hint() {
    let dir = prepared(12);
    let here = dir.path();
    let tiny = "train --data data --model test_resnet --weights none --strategy freeze --side 32 \
                --epochs 1 --batch-size 8";
    ok(here, &tiny.split(' ').collect::<Vec<_>>());
    let run = std::fs::read_dir(here.join("runs")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(run, here.join("runs/one")).unwrap();
    std::fs::write(here.join("broken.onnx"), "no ONNX").unwrap();
    std::fs::write(here.join("mine.toml"), "learning_rat = 1").unwrap();
    std::fs::create_dir_all(here.join("empty/cat")).unwrap();
    std::fs::write(here.join("labels.csv"), "path,label\nstriped/photo 01.png,stripe\n").unwrap();
    let train = |rest: &'static str| {
        [&["train", "--data", "data"], &rest.split(' ').collect::<Vec<_>>()[..]].concat()
    };
    let mut all = String::new();
    for args in [
        vec!["trian"],
        vec!["train"],
        vec!["prepare", "fotos"],
        vec!["prepare", "empty"],
        vec!["prepare", "photos", "--out", "photos/data"],
        vec!["prepare", "photos", "--group-by", "folders"],
        vec!["prepare", "photos", "--group-by", "regex:cat"],
        vec!["prepare", "photos", "--group-by", "exif-time"],
        vec!["prepare", "photos", "--labels", "labels.csv"],
        vec!["prepare", "photos", "--add", "fotos"],
        train("--model resnet5O"),
        train("--model resnet18 --weights none --strategy frezee"),
        train("--model resnet18 --weights none --learning-rate fast"),
        train("--model resnet18 --weights none --learning-rate -1"),
        train("--model resnet18 --weights none --unfreeze layer9"),
        train("--model resnet18 --weights none --class-weights zebra=2"),
        train("--model resnet18 --weights none --device vulkan"),
        train("--model resnet18 --weights nowhere/model.safetensors"),
        train("--model resnet18 --weights photos"),
        train("--model resnet18"),
        vec![
            "train",
            "--config",
            "mine.toml",
            "--model",
            "resnet18",
            "--weights",
            "none",
            "--data",
            "data",
        ],
        vec!["train", "--resume", "runs/none"],
        vec!["evaluate", "--model", "resnet18"],
        vec![
            "evaluate",
            "--zero-shot",
            "--model",
            "resnet18",
            "--weights",
            "none",
            "--data",
            "data",
        ],
        vec!["evaluate", "--zero-shot", "--model", "vit_small_patch14_dinov2", "--data", "data"],
        vec!["audit", "--run", "runs/one"],
        vec!["export", "--run", "photos"],
        vec!["predict", "photos", "--onnx", "broken.onnx"],
        vec!["predict", "new.jpg", "--run", "runs/one"],
        vec!["explain", "new.jpg", "--onnx", "broken.onnx"],
        vec!["predict", "https://example.org/dog.jpg", "--run", "runs/one"],
        vec!["report", "--runs", "photos"],
        vec!["report", "--runs", "nowhere"],
        vec!["bench", "--model", "resnet18", "--batch-size", "0"],
    ] {
        all += &said(here, &args);
        all.push('\n');
    }
    insta::assert_snapshot!("errors", all);
}
