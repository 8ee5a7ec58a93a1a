//! Errors of training.

use std::path::PathBuf;

use kennel_core::{CoreError, Hint, Hinted, OutOfBounds, RunDir, Stopped, Strategy, Weights};
use kennel_data::DataError;
use kennel_infer::InferError;
use kennel_metrics::MetricsError;
use kennel_models::ModelError;
use kennel_probe::ProbeError;
use kennel_ranks::RanksError;
use kennel_unknown::NotFitted;

/// The result type of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// An error when a run begins, resumes or is evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An error of `kennel-core`, such as a file that cannot be read.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// An error of the photos.
    #[error(transparent)]
    Data(DataError),
    /// An error of the network or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An error of the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The convex head could not be fitted.
    #[error(transparent)]
    Probe(ProbeError),
    /// Another error of inference.
    #[error(transparent)]
    Infer(Box<InferError>),
    /// The processes of the run cannot exchange what they computed.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// The processes of the run would not compute the same.
    #[error("rank {rank} has the {what} {found}, rank 0 {first}: they would not compute the same")]
    RankDiffers {
        /// What differs.
        what: String,
        /// The first process that differs from rank 0.
        rank: usize,
        /// What it has.
        found: String,
        /// What rank 0 has.
        first: String,
    },
    /// There are more processes than shards.
    #[error("{processes} processes were started together, and shards is {shards}")]
    FewShards {
        /// Number of processes.
        processes: usize,
        /// Number of shards.
        shards: usize,
    },
    /// Processes cannot share a run that is made of several trainings.
    #[error("{processes} processes were started together, and this run is several trainings: {of}")]
    SeveralTrainings {
        /// Number of processes.
        processes: usize,
        /// What the run is.
        of: &'static str,
    },
    /// The caller stopped the task before the run began, or before it was resumed.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The caller stopped the run, which can be resumed.
    #[error("{run} was stopped; finished epochs: {epochs}", run = kennel_core::shown(run.path()))]
    Interrupted {
        /// The run's directory.
        run: RunDir,
        /// Finished epochs, all of them saved.
        epochs: usize,
    },
    /// A hyperparameter that is out of bounds.
    #[error("{name} is {found}, expected {expected}")]
    Hyperparameter {
        /// Its name, as in `config.toml`.
        name: &'static str,
        /// The value.
        found: String,
        /// Which values are valid.
        expected: &'static str,
    },
    /// Class weights that do not match the classes.
    #[error("class weights: {reason}")]
    ClassWeights {
        /// What does not match.
        reason: String,
        /// What may help.
        hint: Option<Box<Hint>>,
    },
    /// Unknown photos cannot be told.
    #[error("unknown photos cannot be told: {0}")]
    Unknown(#[from] NotFitted),
    /// A new head that would not be trained.
    #[error("the new classifier `{head}` would not be trained")]
    HeadNotTrained {
        /// Its prefix.
        head: String,
        /// All parts to train, with the head.
        with_head: String,
    },
    /// A logit is not finite before the first step.
    #[error(
        "a logit of {photo} is {logit} before the first step: weights {weights} give no finite \
         answers"
    )]
    NoFiniteAnswer {
        /// The weights that were asked for.
        weights: Weights,
        /// A training photo.
        photo: String,
        /// The logit.
        logit: f32,
    },
    /// The training loss is not finite.
    #[error("the loss is {loss} in epoch {epoch}, step {step}: training has diverged")]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1.
        step: usize,
        /// The loss.
        loss: f32,
    },
    /// A validation logit is not finite, though the training loss is.
    #[error("a logit of {photo} is {logit} after epoch {epoch}: training has diverged")]
    DivergedAnswer {
        /// Counted from 1.
        epoch: usize,
        /// The validation photo.
        photo: String,
        /// The logit.
        logit: f32,
    },
    /// A device computes something else than the CPU.
    #[error(
        "{device} does not compute what the CPU does: a loss differs by {loss:.1e} of itself, the \
         gradient of `{name}` by {gradient:.1e}"
    )]
    DeviceDiffers {
        /// The device.
        device: String,
        /// Largest difference of a loss, as a share of it.
        loss: f64,
        /// Largest difference of a gradient, as a share of its norm.
        gradient: f64,
        /// The tensor of that gradient.
        name: String,
    },
    /// A run cannot be resumed.
    #[error("{path} cannot be resumed: {reason}", path = kennel_core::shown(path))]
    CannotResume {
        /// The run.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What may help.
        hint: Option<Box<Hint>>,
    },
    /// Another process is training the run.
    #[error("{path} is being trained by another process", path = kennel_core::shown(path))]
    InUse {
        /// The run.
        path: PathBuf,
    },
    /// No finished run matches.
    #[error("no finished run of {} lies in {path}", of(model, *strategy), path = kennel_core::shown(path))]
    NoSuchRun {
        /// The model.
        model: String,
        /// The strategy, if given.
        strategy: Option<Strategy>,
        /// The folder that was searched.
        path: PathBuf,
        /// Whether the folder exists.
        is_there: bool,
    },
}

impl From<OutOfBounds> for TrainError {
    fn from(OutOfBounds { name, found, expected }: OutOfBounds) -> Self {
        TrainError::Hyperparameter { name, found, expected }
    }
}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Stopped(stopped) => stopped.into(),
            error => TrainError::Data(error),
        }
    }
}

impl From<ProbeError> for TrainError {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Stopped(stopped) => stopped.into(),
            error => TrainError::Probe(error),
        }
    }
}

impl From<InferError> for TrainError {
    fn from(error: InferError) -> Self {
        match error {
            InferError::Stopped(stopped) => stopped.into(),
            InferError::Core(error) => error.into(),
            InferError::Data(error) => error.into(),
            InferError::Model(error) => error.into(),
            InferError::Metrics(error) => error.into(),
            error => TrainError::Infer(Box::new(error)),
        }
    }
}

/// The model, and the strategy if given.
fn of(model: &str, strategy: Option<Strategy>) -> String {
    match strategy {
        Some(strategy) => format!("`{model}` with strategy `{strategy}`"),
        None => format!("`{model}`"),
    }
}

impl Hinted for TrainError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            TrainError::Core(error) => return error.hints(),
            TrainError::Data(error) => return error.hints(),
            TrainError::Model(error) => return error.hints(),
            TrainError::Infer(error) => return error.hints(),
            TrainError::ClassWeights { hint, .. } | TrainError::CannotResume { hint, .. } => {
                return hint.iter().map(|hint| (**hint).clone()).collect();
            }
            TrainError::HeadNotTrained { with_head, .. } => Hint::TrainPartsToo(with_head.clone()),
            TrainError::NoFiniteAnswer { .. } => Hint::OtherWeights,
            TrainError::Diverged { .. } | TrainError::DivergedAnswer { .. } => Hint::SmallerSteps,
            TrainError::DeviceDiffers { .. } => Hint::CheckDriver,
            TrainError::Interrupted { run, .. } => Hint::Resume { run: run.path().into() },
            TrainError::InUse { .. } => Hint::WaitOrStop,
            TrainError::FewShards { processes, .. } => Hint::MoreShards(*processes),
            TrainError::SeveralTrainings { .. } => Hint::OneProcess,
            TrainError::NoSuchRun { model, strategy, is_there: true, .. } => {
                Hint::Train { model: Some(model.clone()), strategy: strategy.map(Strategy::as_str) }
            }
            TrainError::NoSuchRun { model, strategy, .. } => Hint::NoRunsFolderOrTrain {
                model: model.clone(),
                strategy: strategy.map(Strategy::as_str),
            },
            TrainError::Metrics(_)
            | TrainError::Probe(_)
            | TrainError::Ranks(_)
            | TrainError::RankDiffers { .. }
            | TrainError::Stopped(_)
            | TrainError::Hyperparameter { .. }
            | TrainError::Unknown(_) => {
                return Vec::new();
            }
        };
        vec![hint]
    }
}
