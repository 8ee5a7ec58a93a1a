//! `kennel ensemble`, as users meet it.

#[allow(dead_code)] // not every helper is used here
mod common;

use std::path::Path;

use common::{fails, json, ok, prepared};
use serde_json::Value;

/// Trains a network with 32-pixel inputs in about a second and returns its run.
fn trained(folder: &Path, data: &str, flags: &[&str]) -> String {
    let tiny = "train --model test_resnet --weights none --side 32 --epochs 4 --batch-size 8 \
                --lr 1e-3 --format json";
    let args: Vec<&str> = tiny.split_whitespace().chain(["--data", data]).collect();
    json(&ok(folder, &[&args[..], flags].concat()))["run"].as_str().unwrap().to_string()
}

/// Predicts the test photos and returns the probability that each is striped.
fn striped(folder: &Path, by: &[&str]) -> Vec<f64> {
    let args = [&["predict", "data/test", "--format", "json"], by].concat();
    let rows = json(&ok(folder, &args));
    let of = |row: &Value| {
        let p = row["probability"].as_f64().unwrap();
        if row["label"] == "striped" { p } else { 1.0 - p }
    };
    rows.as_array().unwrap().iter().map(of).collect()
}

fn text(output: std::process::Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn probabilities_are_averaged_evaluated_and_exported_as_one_file() {
    let dir = prepared(20);
    let here = dir.path();
    let full = trained(here, "data", &["--strategy", "full"]);
    let other = trained(here, "data", &["--strategy", "full", "--seed", "7"]);

    let args = ["ensemble", &full, &other, "--out", "both", "--format", "json"];
    let found = json(&ok(here, &args));
    let members = found["ensemble"]["members"].as_array().unwrap();
    assert!(members.iter().all(|member| member["weight"] == 0.5), "{found}");
    let against = &found["ensemble"]["against"];
    assert_eq!(against["split"], "test");
    let [gained, lost] = ["gained", "lost"].map(|key| against[key].as_i64().unwrap());
    let best = Path::new(&full).with_file_name(against["run"].as_str().unwrap());
    let best = ["evaluate", "--run", best.to_str().unwrap(), "--format", "json"];
    let best = json(&ok(here, &best));
    let correct = |of: &Value| of["evaluation"]["test"]["correct"].as_i64().unwrap();
    assert_eq!(correct(&found) - correct(&best), gained - lost);
    for file in
        ["ensemble.json", "evaluation.json", "predictions/val.jsonl", "predictions/test.jsonl"]
    {
        assert!(here.join("both").join(file).is_file(), "{file}");
    }
    let (status, said) = fails(here, &args);
    assert!(status == 1 && said.contains("both is in the way"), "{said}");

    let args = ["ensemble", &full, &other, "--export", "models/both.onnx"];
    let table = text(ok(here, &args));
    assert!(table.contains("than ") && table.contains("same first class on"), "{table}");
    let by_file = striped(here, &["--onnx", "models/both.onnx"]);
    let [first, second] = [&full, &other].map(|run| striped(here, &["--run", run]));
    assert!(by_file.len() >= 4);
    for ((found, a), b) in by_file.iter().zip(first).zip(second) {
        assert!((found - (a + b) / 2.0).abs() < 1e-4, "{found} {a} {b}");
    }
    let bench = "bench --onnx models/both.onnx --repeats 1 --warmup 0 --format json";
    let bench = json(&ok(here, &bench.split(' ').collect::<Vec<_>>()));
    assert!(bench["rates"][0]["images_per_s"].as_f64().unwrap() > 0.0);

    let greedy = json(&ok(here, &["ensemble", &full, &other, "--greedy", "--format", "json"]));
    let losses: Vec<f64> = greedy["ensemble"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["val_loss"].as_f64().unwrap())
        .collect();
    assert!(!losses.is_empty() && losses.is_sorted_by(|a, b| a > b), "{losses:?}");
}

#[test]
fn runs_on_other_photos_are_refused_with_the_difference() {
    let dir = prepared(20);
    let here = dir.path();
    ok(here, &["prepare", "photos", "--out", "again", "--seed", "7"]);
    let freeze = ["--strategy", "freeze"];
    let one = trained(here, "data", &freeze);
    let two = trained(here, "again", &freeze);
    let (status, said) = fails(here, &["ensemble", &one, &two]);
    assert_eq!(status, 1);
    assert!(said.contains(&format!("{two} cannot be averaged with {one}")), "{said}");
    assert!(said.contains("the same photos in another division: its"), "{said}");
    let (status, said) = fails(here, &["ensemble", &one, &one]);
    assert!(status == 2 && said.contains("is given twice"), "{said}");
}

#[test]
fn a_soup_is_a_run_like_any_other_and_needs_a_shared_start() {
    let dir = prepared(20);
    let here = dir.path();
    let full = ["--strategy", "full"];
    let one = trained(here, "data", &full);
    let same = trained(here, "data", &full);
    let seed = trained(here, "data", &["--strategy", "full", "--seed", "7"]);

    let (_, said) = fails(here, &["ensemble", &one, &seed, "--soup"]);
    assert!(said.contains("drawn with the seeds 7 and 42"), "{said}");
    assert!(said.contains("hint: without --soup"), "{said}");

    // The average of a network with itself is that network.
    let made = json(&ok(here, &["ensemble", &one, &same, "--soup", "--format", "json"]));
    let soup = made["run"].as_str().unwrap();
    assert!(soup.ends_with("-test_resnet-soup"), "{soup}");
    assert!(made["tried"].as_array().unwrap().iter().all(|tried| tried["is_kept"] == true));
    assert_eq!((&made["against"]["gained"], &made["against"]["lost"]), (&0.into(), &0.into()));
    let [by_soup, by_run] = [soup, &one].map(|run| striped(here, &["--run", run]));
    assert_eq!(by_soup, by_run);
    ok(here, &["evaluate", "--run", soup]);
    ok(here, &["export", "--run", soup]);
    let compared = text(ok(here, &["evaluate", "--compare-all"]));
    assert!(compared.contains("test_resnet soup"), "{compared}");
    ok(here, &["report"]);
    let (_, said) = fails(here, &["train", "--resume", soup, "--epochs", "9"]);
    assert!(said.contains("soup"), "{said}");
}
