//! Several `kennel run` in one folder of runs, and shares of one study.

#![cfg(unix)]

mod common;
#[path = "common/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use common::{command, fails, json, ok, prepared, stderr};
use nix::sys::signal::Signal;
use process::{send, wait_until};

/// Experiments that take parts of a second.
fn study<'a>(strategies: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["run", "--data", "data", "--models", "test_resnet", "--quiet"];
    args.extend(["--weights", "test_resnet=none", "--strategies", strategies]);
    args.extend(["--set", "preprocessing.side_px=32", "--set", "batch_size=8"]);
    args.extend(more);
    args
}

fn begin(folder: &Path, args: &[&str]) -> Child {
    command(folder, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn succeeds(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Every run with the settings that tell it from the others, and whether it is finished.
fn runs(folder: &Path) -> Vec<(PathBuf, String, bool)> {
    let Ok(entries) = std::fs::read_dir(folder.join("runs")) else { return Vec::new() };
    let runs = entries.map(|entry| entry.unwrap().path()).filter_map(|run| {
        let config = std::fs::read_to_string(run.join("config.toml")).ok()?;
        let settings = config.split("[facts]").next().unwrap().to_string();
        let is_finished = run.join("evaluation.json").is_file();
        Some((run, settings, is_finished))
    });
    runs.collect()
}

fn all_once(folder: &Path, experiments: usize) {
    let mut by_settings = BTreeMap::new();
    for (run, settings, is_finished) in runs(folder) {
        assert!(is_finished, "{}", run.display());
        *by_settings.entry(settings).or_insert(0) += 1;
    }
    assert_eq!(by_settings.len(), experiments);
    assert!(by_settings.values().all(|&runs| runs == 1), "an experiment was trained twice");
    assert!(!folder.join("runs/.claims").exists(), "the last process leaves no claims");
}

#[test]
fn eight_processes_train_forty_experiments_once() {
    let dir = prepared(14);
    let here = dir.path();
    let seeds: Vec<String> = (1..=20).map(|seed| seed.to_string()).collect();
    let seeds = seeds.join(",");
    let args = study("freeze,partial", &["--epochs", "1", "--seeds", &seeds]);
    let children: Vec<Child> = (0..8).map(|_| begin(here, &args)).collect();
    children.into_iter().for_each(succeeds);
    all_once(here, 40);
    assert!(here.join("results/report.html").is_file());
}

#[test]
fn the_experiment_of_a_killed_process_is_taken_over() {
    let dir = prepared(14);
    let here = dir.path();
    let args = study("full", &["--epochs", "150", "--seeds", "1,2"]);
    let mut killed = begin(here, &args);
    wait_until("an epoch", &mut killed, || {
        runs(here).first().is_some_and(|(run, ..)| run.join("metrics.jsonl").is_file())
    });
    let mut other = begin(here, &args);
    wait_until("another run", &mut other, || runs(here).len() == 2);
    assert!(runs(here).iter().all(|(_, _, is_finished)| !is_finished));
    send(Signal::SIGKILL, &killed);
    killed.wait().unwrap();
    succeeds(other);
    all_once(here, 2);
}

#[test]
fn shares_of_a_study_are_the_study() {
    let dir = prepared(14);
    let here = dir.path();
    let all = ["--epochs", "1", "--seeds", "1,2,3"];
    let of = |more: &[&'static str]| study("freeze,full", &[&all[..], more].concat());
    let planned = json(&ok(here, &of(&["--dry-run", "--format", "json", "--shard", "1/2"])));
    let planned = planned["experiments"].as_array().unwrap();
    assert_eq!(planned.len(), 3);
    let config = planned[0]["config"].as_str().unwrap();
    assert!(config.contains("model = \"test_resnet\"") && planned[0]["index"].is_u64());

    ok(here, &of(&["--shard", "0/2"]));
    assert_eq!(runs(here).len(), 3);
    assert!(!here.join("results").exists() && !here.join("models").exists());
    let array = |more: &[(&str, &str)]| {
        let args = of(&["--shard", "auto"]);
        command(here, &args).envs(more.iter().copied()).output().unwrap()
    };
    let task = ("SLURM_ARRAY_TASK_ID", "6");
    let of_array = [task, ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "2")];
    let second = array(&of_array);
    assert!(second.status.success(), "{}", stderr(&second));
    all_once(here, 6);
    let unnumbered = array(&[task]);
    assert_eq!(unnumbered.status.code(), Some(2));
    assert!(stderr(&unnumbered).contains("--shard auto/N"), "{}", stderr(&unnumbered));
    let (status, said) = fails(here, &of(&["--shard", "2/2"]));
    assert!(status == 2 && said.contains("expected I/N"), "{said}");

    ok(here, &["report", "--runs", "runs"]);
    assert!(here.join("results/report.html").is_file());
}
