//! What stops a training early and what does not, and how it resumes.

#![cfg(unix)]

mod common;
#[path = "common/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{command, fails, json, ok, prepared, stderr};
use nix::sys::signal::Signal;
use process::{send, wait_until};

/// A training that takes at most seconds per epoch.
const TRAIN: [&str; 13] = [
    "train",
    "--data",
    "data",
    "--model",
    "test_resnet",
    "--weights",
    "none",
    "--strategy",
    "full",
    "--side",
    "32",
    "--batch-size",
    "8",
];

/// Builds a command that runs after the shell `settings`.
fn under(settings: &str, folder: &Path, args: &[&str]) -> Command {
    let inner = command(folder, args);
    let mut outer = Command::new("sh");
    outer
        .args(["-c", &format!("{settings}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    outer
        .current_dir(folder)
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

fn only_run(folder: &Path) -> Option<PathBuf> {
    Some(std::fs::read_dir(folder.join("runs")).ok()?.next()?.unwrap().path())
}

fn epochs(folder: &Path) -> usize {
    let metrics = only_run(folder).map(|run| std::fs::read_to_string(run.join("metrics.jsonl")));
    metrics.and_then(Result::ok).map_or(0, |text| text.lines().count())
}

fn wait_for_epoch(folder: &Path, epoch: usize, child: &mut Child) {
    wait_until(&format!("the end of epoch {epoch}"), child, || epochs(folder) >= epoch);
}

#[test]
fn a_hang_up_that_was_ignored_when_the_process_began_stays_ignored() {
    let dir = prepared(14);
    let here = dir.path();
    let args = [&TRAIN[..], &["--epochs", "5000"]].concat();
    let mut child = under("trap '' HUP", here, &args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_epoch(here, 1, &mut child);
    send(Signal::SIGHUP, &child);
    let then = epochs(here);
    wait_for_epoch(here, then + 2, &mut child);
    send(Signal::SIGTERM, &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_run_that_a_limit_on_the_size_of_files_stopped_goes_on_without_it_and_then_further() {
    let dir = prepared(14);
    let here = dir.path();
    let args = [&TRAIN[..], &["--epochs", "1"]].concat();
    // Enough for the manifest, too little for a checkpoint.
    let limited = under("ulimit -f 64", here, &args).output().unwrap();
    let said = stderr(&limited);
    assert_eq!(limited.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: cannot write")
            && said.contains("hint: the system limits the size of files"),
        "{said}"
    );
    let run = only_run(here).unwrap();
    let resumed = ok(here, &["train", "--resume", &run.to_string_lossy()]);
    assert!(stderr(&resumed).contains("it begins at epoch 1 again"), "{}", stderr(&resumed));
    assert!(run.join("evaluation.json").exists());

    // A finished run can be trained further, but with no other change.
    let run = run.to_string_lossy();
    let (status, said) =
        fails(here, &["train", "--resume", &run, "--epochs", "2", "--learning-rate", "1"]);
    assert!(status == 2 && said.contains("accepts only --epochs"), "{said}");
    let (status, said) = fails(here, &["train", "--resume", &run, "--epochs", "1"]);
    assert!(status == 2 && said.contains("expected more than are finished"), "{said}");
    let further = ok(here, &["train", "--resume", &run, "--epochs", "2", "--format", "json"]);
    assert!(
        json(&further)["evaluation"]["test"].is_object() && epochs(here) == 2,
        "{}",
        stderr(&further)
    );
}
