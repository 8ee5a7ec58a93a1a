//! A run that is made of runs: how it begins, and how it is taken up again.

use std::path::Path;

use kennel_core::{Lock, RunDir, RunRecord, Settings, Task};
use kennel_data::{Dataset, PrepareOptions};
use kennel_infer::machine;
use kennel_train::{TrainError, TrainOptions, Trained, check_same_photos, rehearse};

use crate::Result;
use crate::candidates::Bench;

/// A run in progress, and what its trials share.
pub struct Whole {
    /// Its directory.
    pub run: RunDir,
    /// Its settings and facts.
    pub record: RunRecord,
    /// Options of its trials, with the photos.
    pub options: TrainOptions,
    _lock: Option<Lock>,
}

impl Whole {
    /// Begins a run, in which nothing is trained yet.
    ///
    /// # Errors
    ///
    /// As [`rehearse`]; a directory that cannot be made.
    pub fn begin(
        settings: &Settings,
        runs: &Path,
        options: &TrainOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        settings.check()?;
        let options = with_photos(settings, options, task)?;
        let facts = rehearse(settings, &options, task)?.facts;
        let record = RunRecord { settings: settings.clone(), facts };
        let (_, stamp) = machine::now();
        let data = photos(&options);
        let (run, _lock) =
            RunDir::begin(runs, &machine::run_name(&stamp, settings), |run, changes| {
                changes.write(&run.manifest(), |path| data.manifest().write(path))?;
                changes.write(&run.config(), |path| record.write(path))
            })?;
        Ok(Whole { run, record, options, _lock })
    }

    /// Resumes a run: takes it up and ends it with `finish`, unless it is finished. `reason` says
    /// why it cannot be given more epochs.
    ///
    /// # Errors
    ///
    /// More epochs; as [`Whole::reopen`] and `finish`.
    pub fn resume(
        run: RunDir,
        epochs: Option<usize>,
        reason: &str,
        options: &TrainOptions,
        task: Task<'_>,
        finish: impl FnOnce(Whole) -> Result<Trained>,
    ) -> Result<Trained> {
        if epochs.is_some() {
            return Err(no_more_epochs(&run, reason));
        }
        match run.is_finished() {
            true => kennel_train::resume(run, None, options, task),
            false => finish(Whole::reopen(run, options, task)?),
        }
    }

    /// Takes up a run that was begun. Trials that are yet to begin would not know other photos.
    ///
    /// # Errors
    ///
    /// A run that another process trains, or that is damaged; other photos.
    pub fn reopen(run: RunDir, options: &TrainOptions, task: Task<'_>) -> Result<Self> {
        let lock = taken(&run)?;
        run.check_files()?;
        let record = run.read_record()?;
        let options = with_photos(&record.settings, options, task)?;
        check_same_photos(&run, &record, photos(&options))?;
        Ok(Whole { run, record, options, _lock: Some(lock) })
    }
}

/// The error of a run that was asked for more epochs, of which its parts decide.
pub fn no_more_epochs(run: &RunDir, reason: &str) -> TrainError {
    TrainError::CannotResume { path: run.path().into(), reason: reason.into(), hint: None }
}

/// Computes predictions of networks that no trial has made. `options` are those of trials.
pub fn bench<'a>(run: &'a RunDir, options: &'a TrainOptions) -> Bench<'a> {
    Bench { run, data: photos(options), options }
}

/// Locks a run for this process.
///
/// # Errors
///
/// A run that another process trains.
pub fn taken(run: &RunDir) -> Result<Lock> {
    run.lock()?.ok_or_else(|| TrainError::InUse { path: run.path().into() })
}

/// Opens the photos once for all runs that make up one, which leave the test photos alone.
///
/// # Errors
///
/// Photos that cannot be read; a task that is stopped.
pub fn with_photos(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<TrainOptions> {
    let folder = Path::new(&settings.data_dir);
    let data = match &options.data {
        Some(data) if data.root() == folder => data.clone(),
        _ => Dataset::open_with(folder, &PrepareOptions::default(), task)?,
    };
    Ok(TrainOptions { data: Some(data), skip_test: true, ..options.clone() })
}

/// The photos of options that [`with_photos`] made.
///
/// # Panics
///
/// If it did not.
pub fn photos(options: &TrainOptions) -> &Dataset {
    options.data.as_ref().expect("the photos are open")
}
