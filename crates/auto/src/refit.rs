//! Networks that are trained on all training and validation photos, once validation has chosen how.

use std::path::Path;

use kennel_core::{RunDir, Settings, Split, Task};
use kennel_data::Dataset;
use kennel_infer::manifest_digest;
use kennel_train::{TrainOptions, evaluate_run};

use crate::Result;
use crate::whole::{Whole, photos};

/// The settings of a network that is trained on all photos: the best epochs of those that were
/// validated, rounded to their mean, and nothing that needs validation photos.
pub fn of_refit(settings: &Settings, best_epochs: &[usize]) -> Settings {
    let mean = best_epochs.iter().sum::<usize>() as f64 / best_epochs.len() as f64;
    Settings {
        epochs: mean.round() as usize,
        early_stopping: None,
        folds: None,
        ..settings.clone()
    }
}

/// Trains a finished trial of a run again, on all training and validation photos and for as many
/// epochs as were best.
///
/// # Errors
///
/// As [`kennel_train::train`]; a trial that is damaged.
pub fn again(whole: &Whole, trial: &RunDir, task: Task<'_>) -> Result<RunDir> {
    let Whole { run, options, .. } = whole;
    let best = evaluate_run(trial)?.best_epoch;
    let settings = of_refit(&trial.read_record()?.settings, &Vec::from_iter(best));
    task.note(
        "the network is trained again on training and validation photos; the \
         validation figures are those of the network before",
    );
    part(&run.refit(), &settings, &photos(options).without_validation(), options, task)
}

/// Trains one of the runs that make up another, resumes it, or finds it finished. It is known by
/// its settings and its division of the photos.
///
/// # Errors
///
/// As [`kennel_train::train`].
pub fn part(
    runs: &Path,
    settings: &Settings,
    data: &Dataset,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<RunDir> {
    let options = TrainOptions { data: Some(data.clone()), ..options.clone() };
    let division = manifest_digest(data)?;
    let is_same = |run: &RunDir| {
        run.read_record().is_ok_and(|record| {
            record.settings == *settings && record.facts.manifest_sha256 == division
        })
    };
    let has_test = |run: &RunDir| {
        options.skip_test
            || data.photos(Split::Test).is_empty()
            || run.predictions(Split::Test).exists()
    };
    let trained = match RunDir::list(runs)?.into_iter().find(is_same) {
        Some(run) if run.is_finished() && has_test(&run) => return Ok(run),
        Some(run) => kennel_train::resume(run, None, &options, task),
        None => kennel_train::train(settings, runs, &options, task),
    };
    Ok(trained?.run)
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing, Strategy, Weights};

    use super::*;

    #[test]
    fn the_network_on_all_photos_trains_for_the_mean_of_the_best_epochs() {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let settings =
            Settings::published("a".into(), Weights::Random, Strategy::Full, preprocessing);
        let settings = Settings { folds: Some(3), early_stopping: Some(2), ..settings };
        for (best_epochs, epochs) in [([3, 4, 4], 4), ([1, 1, 2], 1), ([2, 3, 3], 3)] {
            let refit = of_refit(&settings, &best_epochs);
            assert_eq!(
                refit,
                Settings { folds: None, early_stopping: None, epochs, ..settings.clone() }
            );
        }
    }
}
