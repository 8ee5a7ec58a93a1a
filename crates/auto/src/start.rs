//! Begins and resumes runs of every kind.

use std::path::Path;

use kennel_core::{RunDir, Settings, Strategy, Task};
use kennel_train::{Rehearsal, TrainError, TrainOptions, Trained};

use crate::{Result, folds, run, search, twice};

/// Trains a new run under `runs`.
///
/// # Errors
///
/// As [`kennel_train::train`]; too few photos of a class for the folds. A run that is stopped can be
/// resumed, whatever it is made of.
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    check_shared(settings, options)?;
    match (settings.folds, settings.search) {
        (Some(count), _) => folds::train(settings, count, runs, options, task),
        (None, Some(count)) => search::train(settings, count, runs, options, task),
        (None, None) if is_trained_twice(settings) => twice::train(settings, runs, options, task),
        (None, None) => run::train(settings, runs, options, task),
    }
}

/// Resumes a run.
///
/// # Errors
///
/// As [`kennel_train::resume`]; more epochs for a run of `auto`, a search or a cross-validated run,
/// whose epochs are those of the runs that they are made of.
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let settings = run.read_record()?.settings;
    check_shared(&settings, options)?;
    match (settings.folds, settings.search) {
        (Some(count), _) => folds::resume(run, count, epochs, options, task),
        (None, Some(count)) => search::resume(run, count, epochs, options, task),
        (None, None) if is_trained_twice(&settings) => twice::resume(run, epochs, options, task),
        (None, None) => run::resume(run, epochs, options, task),
    }
}

/// Rehearses a run: does everything that comes before training, and writes nothing. Of a
/// cross-validated run, that is what comes before its first fold.
///
/// # Errors
///
/// As [`kennel_train::rehearse`]; too few photos of a class for the folds.
pub fn rehearse(settings: &Settings, options: &TrainOptions, task: Task<'_>) -> Result<Rehearsal> {
    match settings.folds {
        Some(count) => folds::rehearse(settings, count, options, task),
        None => kennel_train::rehearse(settings, options, task),
    }
}

/// Refuses several processes for a run that is made of several trainings.
fn check_shared(settings: &Settings, options: &TrainOptions) -> Result<()> {
    let processes = options.ranks.size();
    let of = match settings {
        _ if processes == 1 => return Ok(()),
        settings if settings.folds.is_some() => "its folds",
        settings if settings.search.is_some() => "the trials of a search",
        settings if settings.strategy().ok() == Some(Strategy::Auto) => "those of auto",
        settings if settings.refit => "one, and a refit",
        _ => return Ok(()),
    };
    Err(TrainError::SeveralTrainings { processes, of })
}

/// Whether one network is trained, and then again. A run of `auto` does that itself.
fn is_trained_twice(settings: &Settings) -> bool {
    settings.refit && settings.strategy().ok() != Some(Strategy::Auto)
}
