//! The summary of one run.

use kennel_core::Method;
use kennel_metrics::{Calibration, Evaluation, Temperature, calibration, fit_temperature};
use serde::Serialize;

use crate::run::Predictions;
use crate::words::Words;
use crate::{Curves, Diagnosis, FinishedRun, MorePhotos, Tried, UnknownPhotos, diagnose};

/// One run, as a row of the table and a section of the report. Shares are in [0, 1], losses in nats
/// per image.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// Its directory's name.
    pub name: String,
    /// A short name that is unique among the compared runs.
    pub label: String,
    /// Architecture.
    pub model: String,
    /// Pretrained weights.
    pub weights: String,
    /// What was trained.
    pub strategy: Method,
    /// What was not trained, in words.
    pub frozen: String,
    /// Stages that were trained.
    pub trained: Vec<String>,
    /// Number of parameters that were trained.
    pub trainable_params: usize,
    /// Number of all parameters.
    pub total_params: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Photos per step.
    pub batch_size: usize,
    /// Optimiser.
    pub optimizer: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// Number of epochs that ran.
    pub epochs: usize,
    /// The epoch that was kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Scores on the validation photos, which also chose the epoch.
    pub val: Option<Scores>,
    /// Scores on the test photos.
    pub test: Option<Scores>,
    /// Number of folds, if it is cross-validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Metrics on all training and validation photos, each predicted without having been trained
    /// on, if it is cross-validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<Evaluation>,
    /// Temperature fitted on the validation photos, or on the predictions out of fold; `None`
    /// without either.
    pub temperature: Option<Temperature>,
    /// What more photos would bring, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_photos: Option<MorePhotos>,
    /// How many photos it calls unknown, if it can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownPhotos>,
    /// What it tried before it chose its network, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// Diagnosis of the curves.
    pub diagnosis: Option<Diagnosis>,
    /// Seconds from the start of training to the end of its last epoch.
    pub training_s: Option<f64>,
    /// Training photos per second, input included: the median over epochs.
    pub images_per_s: Option<f64>,
    /// Peak memory of the process.
    pub peak_rss_bytes: Option<u64>,
    /// Number of augmented views of each photo that the epochs cycled through, if their features
    /// were cached.
    pub feature_views: Option<usize>,
    /// The device that computed it.
    pub device: String,
    /// Processor and operating system.
    pub machine: String,
}

/// How well a run does on a split.
#[derive(Clone, Debug, Serialize)]
pub struct Scores {
    /// Counts, accuracy with its interval, scores by class.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Calibration of the probabilities at temperature 1.
    pub calibration: Calibration,
    /// Calibration at the fitted temperature; `None` if no temperature could be fitted.
    pub calibrated: Option<Calibration>,
}

impl RunSummary {
    /// Summarises a run under a short name.
    pub fn new(run: &FinishedRun, label: String) -> Self {
        let (settings, facts, epochs) = (run.settings(), run.facts(), &run.epochs);
        let classes = facts.class_names.len();
        let held_out = run.val.as_ref().or(run.out_of_fold.as_ref());
        let temperature =
            held_out.map(|held_out| fit_temperature(&held_out.photos().collect::<Vec<_>>()));
        let scores = |predictions: &Option<Predictions>| {
            predictions.as_ref().map(|predictions| Scores::new(predictions, temperature))
        };
        let mut rates: Vec<f64> = epochs.iter().map(|epoch| epoch.images_per_s).collect();
        rates.sort_by(f64::total_cmp);
        RunSummary {
            name: run.name(),
            label,
            model: settings.model.clone(),
            weights: settings.weights.to_string(),
            strategy: settings.method,
            frozen: Words::ENGLISH.frozen_layers(
                settings.method,
                facts.trainable_params == facts.total_params,
                &facts.trained,
            ),
            trained: facts.trained.clone(),
            trainable_params: facts.trainable_params,
            total_params: facts.total_params,
            learning_rate: settings.learning_rate,
            batch_size: settings.batch_size,
            optimizer: settings.optimizer.name().into(),
            seed: settings.seed,
            epochs: epochs.len(),
            best_epoch: run.best_epoch,
            val: scores(&run.val),
            test: scores(&run.test),
            folds: settings.folds,
            out_of_fold: run.out_of_fold.as_ref().map(|all| all.evaluation.clone()),
            temperature,
            more_photos: run.learning_curve.as_ref().map(MorePhotos::new),
            unknown: run.unknown.clone(),
            tried: run.tried.clone(),
            diagnosis: diagnose(&Curves::of(epochs, settings.label_smoothing, classes), classes),
            training_s: epochs.last().map(|epoch| epoch.elapsed_s),
            images_per_s: median(&rates),
            peak_rss_bytes: epochs.iter().map(|epoch| epoch.peak_rss_bytes).max(),
            feature_views: (facts.feature_cache.is_some() && settings.mixing().is_none())
                .then_some(settings.feature_views),
            device: facts.device.clone(),
            machine: facts.machine.clone(),
        }
    }
}

impl Scores {
    fn new(predictions: &Predictions, temperature: Option<Temperature>) -> Self {
        let fitted = temperature.filter(|temperature| temperature.not_fitted.is_none());
        Scores {
            evaluation: predictions.evaluation.clone(),
            calibration: calibration(predictions.photos(), 1.0),
            calibrated: fitted.map(|fitted| calibration(predictions.photos(), fitted.value)),
        }
    }
}

/// Returns the median of sorted values.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[middle]),
        _ if sorted.is_empty() => None,
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}
