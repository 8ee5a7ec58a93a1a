//! `*_results.json`: results in the keys and units of the published study. Reads published ones to
//! compare them with ours, and writes ours.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kennel_core::{CoreError, files};
use kennel_metrics::{Proportion, paired_counts};
use serde::{Deserialize, Serialize};

use crate::words::Words;
use crate::{Comparison, Curves, Diagnosis, FinishedRun, Result, RunSummary, diagnose};

/// Suffix of a results file's name.
const SUFFIX: &str = "_results.json";
/// Larger files are refused: no results file has this size.
const MAX_BYTES: u64 = 16 << 20;

/// A results file. Accuracies are in per cent, as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedResults {
    /// `<model>_<strategy>_<stamp>`.
    pub experiment_name: String,
    /// Architecture.
    pub model: String,
    /// `freeze`, `partial` or `full`.
    pub freeze_strategy: String,
    /// Number of epochs.
    pub epochs: usize,
    /// Photos per step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Optimiser.
    pub optimizer: String,
    /// Validation accuracy of the best epoch, in per cent.
    pub best_val_acc: Option<f64>,
    /// Test accuracy, in per cent; `None` without test photos.
    pub test_acc: Option<f64>,
    /// Losses and accuracies by epoch.
    pub history: PublishedHistory,
}

/// Losses in nats per image and accuracies in per cent, by epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedHistory {
    /// Training loss.
    pub train_loss: Vec<f64>,
    /// Training accuracy; `null` for an epoch that mixed its photos.
    pub train_acc: Vec<Option<f64>>,
    /// Validation loss.
    pub val_loss: Vec<f64>,
    /// Validation accuracy.
    pub val_acc: Vec<f64>,
}

impl PublishedHistory {
    /// Returns its losses as curves to diagnose.
    pub fn curves(&self) -> Curves {
        Curves {
            train_loss: self.train_loss.clone(),
            val_loss: self.val_loss.clone(),
            head_update_ratio: None,
            floor: 0.0,
            mixed_labels: false,
        }
    }
}

/// Our own results file: the published keys, plus our summary with shares in [0, 1].
#[derive(Debug, Serialize)]
struct OurResults<'a> {
    #[serde(flatten)]
    published: PublishedResults,
    kennel: &'a RunSummary,
}

/// Published results compared with ours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Against {
    /// The published results.
    pub results: PublishedResults,
    /// Its test accuracy as a count of as many test photos as ours, with its interval; `None` if
    /// that count is not whole.
    pub test: Option<Proportion>,
    /// Diagnosis of its curves.
    pub diagnosis: Option<Diagnosis>,
    /// Paired tests against runs of ours.
    pub pairs: Vec<AgainstPair>,
}

/// A paired test of published results against one of our runs, as far as counts alone allow it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgainstPair {
    /// Name of our run.
    pub run: String,
    /// The smallest p that any photos with these counts could give.
    pub smallest_p: f64,
    /// Whether the counts leave only this p.
    pub is_determined: bool,
    /// The result in words.
    pub verdict: String,
}

/// Returns the paths of `*_results.json` in `folder`, sorted by name.
fn results_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(CoreError::io("read", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(CoreError::io("read", folder))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Returns the names of the runs whose results are in `folder`.
pub(crate) fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let name = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| Some(name.to_string_lossy().strip_suffix(SUFFIX)?.to_string()))
    };
    Ok(results_in(folder)?.iter().filter_map(name).collect())
}

/// Reads every `*_results.json` in `folder`, sorted by name.
///
/// # Errors
///
/// A folder that cannot be listed or has no such file; a file that is too large, is damaged or
/// lacks a key.
pub fn read_published(folder: &Path) -> Result<Vec<PublishedResults>> {
    let paths = results_in(folder)?;
    let malformed = |path: &Path, reason: String| CoreError::Malformed {
        path: path.into(),
        what: "results file",
        reason,
    };
    if paths.is_empty() {
        Err(malformed(folder, format!("it holds no file that ends in {SUFFIX}")))?;
    }
    paths
        .iter()
        .map(|path| {
            let bytes = std::fs::metadata(path).map_err(CoreError::io("read", path))?.len();
            if bytes > MAX_BYTES {
                Err(malformed(
                    path,
                    format!("it has {bytes} bytes, at most {MAX_BYTES} are read"),
                ))?;
            }
            let text = files::read_text(path)?;
            let results: PublishedResults =
                serde_json::from_str(&text).map_err(|error| malformed(path, error.to_string()))?;
            let PublishedHistory { train_loss, train_acc, val_loss, val_acc } = &results.history;
            let epochs = [train_loss.len(), train_acc.len(), val_loss.len(), val_acc.len()];
            if epochs.iter().any(|n| *n != epochs[0]) {
                let reason =
                    format!("its history has {epochs:?} epochs, expected four times the same");
                Err(malformed(path, reason))?;
            }
            Ok(results)
        })
        .collect()
}

/// Compares published results with each of our runs of the same model and strategy, or with our
/// best run if there is none.
pub fn set_against(published: Vec<PublishedResults>, ours: &Comparison) -> Vec<Against> {
    let beside = |results: PublishedResults| {
        let test = results.test_acc.and_then(|test| as_count(test, ours.test_photos));
        let is_same = |run: &&RunSummary| {
            run.model == results.model && run.strategy.as_str() == results.freeze_strategy
        };
        let mut runs: Vec<&RunSummary> = ours.runs.iter().filter(is_same).collect();
        if runs.is_empty() {
            runs.extend(ours.best.as_deref().and_then(|best| ours.run(best)));
        }
        let pair = |run: &&RunSummary| {
            let our_test = run.test.as_ref()?.evaluation.accuracy;
            Some(against_pair(run, our_test, &results.experiment_name, test?))
        };
        Against {
            test,
            diagnosis: diagnose(&results.history.curves(), ours.class_names.len()),
            pairs: runs.iter().filter_map(pair).collect(),
            results,
        }
    };
    published.into_iter().map(beside).collect()
}

fn against_pair(run: &RunSummary, ours: Proportion, name: &str, theirs: Proportion) -> AgainstPair {
    let counts = paired_counts(ours.correct, theirs.correct, ours.n);
    let verdict = Words::ENGLISH.against(
        [&run.label, name],
        [ours.correct, ours.n, theirs.correct],
        counts.smallest_p,
        counts.is_determined,
    );
    AgainstPair {
        run: run.name.clone(),
        smallest_p: counts.smallest_p,
        is_determined: counts.is_determined,
        verdict,
    }
}

/// Converts an accuracy in per cent to a count of `n`. Returns `None` if that is not a whole number
/// from 0 to `n`, or if `n` is 0.
fn as_count(per_cent: f64, n: usize) -> Option<Proportion> {
    let count = per_cent / 100.0 * n as f64;
    let is_count =
        n > 0 && (0.0..=n as f64).contains(&count) && (count - count.round()).abs() < 1e-6;
    is_count.then(|| Proportion::new(count.round() as usize, n))
}

/// Writes `<folder>/<run>_results.json` through a temporary file. Writes nothing for a run without
/// a training of its own.
///
/// # Errors
///
/// A file that cannot be written.
pub fn write_results(folder: &Path, run: &FinishedRun, summary: &RunSummary) -> Result<()> {
    if run.settings().method.strategy().is_none() {
        return Ok(());
    }
    let accuracy = |scores: &Option<crate::Scores>| {
        scores.as_ref().map(|scores| 100.0 * scores.evaluation.accuracy.value)
    };
    let per_cent = |share: f64| 100.0 * share;
    let published = PublishedResults {
        experiment_name: summary.name.clone(),
        model: summary.model.clone(),
        freeze_strategy: summary.strategy.to_string(),
        epochs: summary.epochs,
        batch_size: summary.batch_size,
        lr: summary.learning_rate,
        optimizer: summary.optimizer.clone(),
        best_val_acc: accuracy(&summary.val),
        test_acc: accuracy(&summary.test),
        history: PublishedHistory {
            train_loss: run.epochs.iter().map(|epoch| epoch.train_loss).collect(),
            train_acc: run.epochs.iter().map(|epoch| epoch.train_accuracy.map(per_cent)).collect(),
            val_loss: run.epochs.iter().filter_map(|epoch| epoch.val_loss).collect(),
            val_acc: run
                .epochs
                .iter()
                .filter_map(|epoch| epoch.val_accuracy)
                .map(per_cent)
                .collect(),
        },
    };
    let path = folder.join(format!("{}{SUFFIX}", summary.name));
    Ok(files::write_json(&path, &OurResults { published, kennel: summary })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_is_a_count_only_where_it_is_one() {
        assert_eq!(as_count(96.8, 125).map(|test| test.correct), Some(121));
        assert_eq!(as_count(100.0, 125).map(|test| test.correct), Some(125));
        assert_eq!(as_count(98.290_598_290_598_3, 117).map(|test| test.correct), Some(115));
        for (per_cent, n) in [(96.8, 124), (101.0, 100), (-1.0, 100), (50.0, 0), (f64::NAN, 10)] {
            assert_eq!(as_count(per_cent, n), None, "{per_cent} of {n}");
        }
    }
}
