//! What the page shows of the runs.

use std::path::Path;

use kennel_core::{EpochRecord, RunDir};
use kennel_metrics::Proportion;
use serde::{Deserialize, Serialize};

use super::Folders;
use crate::problem::Problem;

/// A run.
#[derive(Debug, Serialize)]
pub struct RunSummary {
    name: String,
    model: String,
    strategy: String,
    started: String,
    is_finished: bool,
    /// Epochs that are planned.
    planned: usize,
    epochs: Vec<EpochRecord>,
    val: Option<Proportion>,
    test: Option<Proportion>,
    /// Whether its file can be downloaded.
    is_exported: bool,
}

/// What `evaluation.json` says of accuracy.
#[derive(Deserialize)]
struct Evaluated {
    val: Option<Judged>,
    test: Option<Judged>,
}

#[derive(Deserialize)]
struct Judged {
    accuracy: Proportion,
}

/// Lists the runs of a folder, the newest first. A run that cannot be read, such as one that is
/// being written, is left out.
pub fn list(folders: &Folders) -> Vec<RunSummary> {
    let runs = match folders.runs.exists() {
        true => RunDir::list(&folders.runs).unwrap_or_default(),
        false => Vec::new(),
    };
    runs.iter().rev().filter_map(|run| summary(run, folders)).collect()
}

/// Finds the run of a name.
///
/// # Errors
///
/// 404 if there is none.
pub fn find(runs: &Path, name: &str) -> Result<RunDir, Problem> {
    let found = RunDir::list(runs).unwrap_or_default().into_iter().find(|run| run.name() == name);
    found.ok_or_else(|| Problem::not_found(format!("there is no run {name:?}")))
}

fn summary(run: &RunDir, folders: &Folders) -> Option<RunSummary> {
    let record = run.read_record().ok()?;
    let evaluated: Option<Evaluated> = match run.is_finished() {
        true => serde_json::from_slice(&run.read_file(&run.evaluation()).ok()?).ok(),
        false => None,
    };
    let (val, test) = evaluated.map_or((None, None), |evaluated| {
        let accuracy = |judged: Option<Judged>| judged.map(|judged| judged.accuracy);
        (accuracy(evaluated.val), accuracy(evaluated.test))
    });
    Some(RunSummary {
        name: run.name(),
        model: record.settings.model.clone(),
        strategy: record.settings.method.to_string(),
        started: record.facts.started,
        is_finished: run.is_finished(),
        planned: record.settings.epochs,
        epochs: run.read_metrics().unwrap_or_default(),
        val,
        test,
        is_exported: folders.onnx(&run.name()).is_file(),
    })
}
