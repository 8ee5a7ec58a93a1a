//! A greedy soup: one network whose weights are averages of several runs' (Wortsman et al. 2022,
//! "Model soups").

use std::path::{Path, PathBuf};

use kennel_core::{
    Method, PredictionRecord, RunDir, RunFacts, RunRecord, Settings, Split, Task, write_predictions,
};
use kennel_data::Dataset;
use kennel_infer::machine;
use kennel_metrics::RunEvaluation;
use kennel_models::{Checkpoint, StateDict, read_checkpoint, write_checkpoint};
use kennel_train::{TrainError, TrainOptions, finish_run};
use serde::Serialize;

use crate::average::average;
use crate::candidates::Bench;
use crate::choose::Losses;
use crate::ensemble::Versus;
use crate::members::{EnsembleError, Member};

/// Where a soup is written, and where the photos are.
#[derive(Clone, Debug)]
pub struct SoupPlace {
    /// Folder of runs.
    pub runs: PathBuf,
    /// Name of the run's directory; none for one of its time and model.
    pub name: Option<String>,
    /// Folder of the photos now; none for the one that training used.
    pub data_dir: Option<PathBuf>,
}

/// What became of the runs.
#[derive(Clone, Debug)]
pub struct Soup {
    /// Every run, in the order in which it was tried.
    pub tried: Vec<Tried>,
    /// The new run; none when no average was at least as good as the first run alone.
    pub run: Option<SoupRun>,
}

/// A run that was tried as an ingredient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Its name.
    pub run: String,
    /// Validation loss of the average with it, at its own temperature, in nats per photo.
    pub val_loss: f64,
    /// Validation photos that the average labels correctly.
    pub val_correct: usize,
    /// Whether it is in the soup.
    pub is_kept: bool,
}

/// The run of a soup.
#[derive(Clone, Debug)]
pub struct SoupRun {
    /// Its directory.
    pub run: RunDir,
    /// Its metrics, by split.
    pub evaluation: RunEvaluation,
    /// The soup beside the best run.
    pub against: Versus,
}

/// Averages the weights of runs: begins with the one that has the lowest validation loss, tries the
/// others in the order of theirs, and keeps each that does not raise the validation loss of the
/// average. Writes the result as a new run, and reads the test photos once, with the result.
///
/// `options` names the device.
///
/// # Errors
///
/// [`EnsembleError::NoSharedStart`] when two runs began with different weights;
/// [`EnsembleError::InTheWay`] when the place is taken; [`EnsembleError::PhotosGone`]; a run without
/// weights; a task that is stopped.
pub fn cook(
    members: &[Member],
    place: &SoupPlace,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Soup, EnsembleError> {
    for member in &members[1..] {
        member.check_shared_start(&members[0])?;
    }
    if let Some(path) = place.name.as_ref().map(|name| place.runs.join(name))
        && path.symlink_metadata().is_ok()
    {
        return Err(EnsembleError::InTheWay { path });
    }
    // The predictions of all members come in the order of the first that was given.
    let given = &members[0];
    let mut order: Vec<&Member> = members.iter().collect();
    order.sort_by(|a, b| a.losses.mean().total_cmp(&b.losses.mean()));
    let first = order[0];
    let data = open(given, place)?;
    let bench = Bench { run: &first.run, data: &data, options };
    let classes = first.class_names();

    let of_first = Tried {
        run: first.run.name(),
        val_loss: first.losses.mean(),
        val_correct: first.losses.correct,
        is_kept: true,
    };
    let mut tried = vec![of_first];
    let mut kept = vec![read_checkpoint(&first.run.best_weights())?];
    let mut best: Option<(StateDict, Vec<PredictionRecord>)> = None;
    let mut lowest = first.losses.mean();
    for member in &order[1..] {
        kept.push(read_checkpoint(&member.run.best_weights())?);
        let tensors = mean(&kept);
        let val = bench.predict(bench.network(&tensors)?, Split::Val, "validation", task)?;
        let losses = Losses::of(&val, classes)?;
        let val_loss = losses.mean();
        let is_kept = val_loss <= lowest;
        let (run, val_correct) = (member.run.name(), losses.correct);
        tried.push(Tried { run, val_loss, val_correct, is_kept });
        if is_kept {
            lowest = val_loss;
            best = Some((tensors, val));
        } else {
            kept.pop();
        }
    }
    let run = match best {
        None => None,
        Some((tensors, val)) => {
            let names = tried.iter().filter(|of| of.is_kept).map(|of| of.run.clone()).collect();
            let weights = Checkpoint { tensors, ..kept.swap_remove(0) };
            let test = match &first.test {
                Some(_) => Some(bench.predict(
                    bench.network(&weights.tensors)?,
                    Split::Test,
                    "test",
                    task,
                )?),
                None => None,
            };
            let record = record(first, given, names);
            let (run, evaluation) = write(record, given, place, &weights, &val, test.as_deref())?;
            let against = Versus::best_of(members, &val, test.as_deref());
            Some(SoupRun { run, evaluation, against })
        }
    };
    Ok(Soup { tried, run })
}

fn mean(networks: &[Checkpoint]) -> StateDict {
    let share = 1.0 / networks.len() as f64;
    let parts: Vec<_> = networks.iter().map(|network| (&network.tensors, share)).collect();
    average(&parts)
}

/// Opens the photos that a run has predicted.
fn open(member: &Member, place: &SoupPlace) -> Result<Dataset, EnsembleError> {
    let settings = &member.record.settings;
    let folder = place.data_dir.clone().unwrap_or_else(|| PathBuf::from(&settings.data_dir));
    let gone = |gone: usize| EnsembleError::PhotosGone {
        run: member.run.path().into(),
        folder: folder.clone(),
        gone,
    };
    let predicted = [Split::Val, Split::Test];
    let all = || member.manifest.photos.iter().filter(|photo| predicted.contains(&photo.split));
    if !folder.is_dir() {
        return Err(gone(all().count()));
    }
    let manifest = member.manifest.clone();
    let path = member.run.manifest();
    match Dataset::of_run(&folder, manifest, &path, &predicted).map_err(TrainError::from)? {
        (data, 0) => Ok(data),
        (_, missing) => Err(gone(missing)),
    }
}

/// The record of the soup: the settings of its first ingredient, and the photos of `given`.
fn record(first: &Member, given: &Member, averaged: Vec<String>) -> RunRecord {
    let RunRecord { settings, facts } = first.record.clone();
    RunRecord {
        settings: Settings {
            method: Method::Soup,
            data_dir: given.record.settings.data_dir.clone(),
            ..settings
        },
        facts: RunFacts {
            averaged,
            feature_cache: None,
            started: machine::now().0,
            kennel_version: env!("CARGO_PKG_VERSION").into(),
            manifest_sha256: given.record.facts.manifest_sha256.clone(),
            machine: machine::machine(),
            ..facts
        },
    }
}

/// Writes the soup as a run on the photos of `given`.
fn write(
    record: RunRecord,
    given: &Member,
    place: &SoupPlace,
    weights: &Checkpoint,
    val: &[PredictionRecord],
    test: Option<&[PredictionRecord]>,
) -> Result<(RunDir, RunEvaluation), EnsembleError> {
    let (_, stamp) = machine::now();
    let name = place.name.clone().unwrap_or_else(|| machine::run_name(&stamp, &record.settings));
    let (run, _lock) = RunDir::begin(&place.runs, &name, |run, changes| {
        changes.write(&run.manifest(), |path| given.manifest.write(path))?;
        changes.write(&run.best_weights(), |path| {
            write_checkpoint(path, &weights.tensors, &weights.batches_tracked, None)
        })?;
        changes.write(&run.predictions(Split::Val), |path| write_predictions(path, val))?;
        changes.write(&run.config(), |path| record.write(path))?;
        Ok::<(), TrainError>(())
    })?;
    let evaluation = finish_run(&run, test)?;
    Ok((run, evaluation))
}

/// Splits the path of a new run into the folder of runs and its name.
pub fn place_of(path: &Path) -> (PathBuf, Option<String>) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    (kennel_core::files::folder_of(path).into(), name)
}
