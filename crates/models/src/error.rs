//! Errors of networks and their weights.

use std::path::PathBuf;

use kennel_core::{CoreError, Hint, Hinted};

/// The result type of this crate.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

/// An unknown network, or weights that cannot be found, read or trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// An error of `kennel-core`, such as a file that cannot be read.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// No architecture has this name.
    #[error("unknown model `{name}`")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The name that is closest to it.
        nearest: Option<String>,
    },
    /// Photos of a side that the network does not take.
    #[error("{model} takes photos whose side is a multiple of {step_px} px, not {side_px} px")]
    WrongSide {
        /// Name of the architecture.
        model: &'static str,
        /// Side of the photos in pixels.
        side_px: u32,
        /// Side of a patch in pixels.
        step_px: u32,
    },
    /// Weights that are not on this machine.
    #[error("weights `{name}` are not on this machine: {searched}")]
    WeightsNotFound {
        /// `arch.tag`.
        name: String,
        /// Where Kennel searched for them.
        searched: String,
        /// What may be meant instead; `None` if the name is known.
        meant: Option<Box<Hint>>,
    },
    /// A path without weights.
    #[error("there is no {path}", path = kennel_core::shown(path))]
    NothingThere {
        /// The path.
        path: PathBuf,
        /// The name of the architecture's default weights.
        default: String,
    },
    /// A run without a finished epoch.
    #[error("{run} has no checkpoint: checkpoints/best.safetensors is not there", run = kennel_core::shown(run))]
    NoCheckpoint {
        /// Its directory.
        run: PathBuf,
        /// What may help.
        hint: Box<Hint>,
    },
    /// A pickle, which is never read.
    #[error(
        "{path} is not read: only safetensors files are, since a pickle can run any code when it \
         is opened",
        path = kennel_core::shown(path)
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A file that is not valid safetensors.
    #[error("{path} is not a valid safetensors file: {reason}", path = kennel_core::shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The weights are of another architecture, by their `config.json`, their run's configuration
    /// or their name.
    #[error(
        "{path} holds weights of `{found}`, expected `{expected}`", path = kennel_core::shown(path)
    )]
    OtherArchitecture {
        /// The folder or file.
        path: PathBuf,
        /// The architecture of the weights.
        found: String,
        /// The architecture that was asked for.
        expected: String,
    },
    /// The tensors of a file do not match those of the network.
    #[error("{path} does not fit `{model}`:\n{details}", path = kennel_core::shown(path))]
    DoesNotFit {
        /// The file.
        path: PathBuf,
        /// The architecture.
        model: String,
        /// The first few tensors that are missing, left over or misshapen, one a line.
        details: String,
    },
    /// Weights without a classifier, where one is needed.
    #[error(
        "{path} has no classifier: `{head}` of `{model}` is missing", path = kennel_core::shown(path)
    )]
    NoHead {
        /// The file, or the `arch.tag` of weights that were not fetched.
        path: PathBuf,
        /// The architecture.
        model: String,
        /// The classifier's name.
        head: String,
    },
    /// A prefix that matches no tensor.
    #[error("`{prefix}` is no part of `{model}`")]
    UnknownPart {
        /// The prefix.
        prefix: String,
        /// The architecture.
        model: String,
        /// The stages.
        stages: Vec<String>,
        /// The stage that is closest to the prefix.
        nearest: Option<String>,
    },
}

impl Hinted for ModelError {
    fn hints(&self) -> Vec<Hint> {
        let near =
            |nearest: &Option<String>| nearest.iter().cloned().map(Hint::DidYouMean).collect();
        let (mut hints, hint): (Vec<Hint>, Hint) = match self {
            ModelError::Core(error) => return error.hints(),
            ModelError::UnknownModel { nearest, .. } => (near(nearest), Hint::ListModels),
            ModelError::WeightsNotFound { name, meant, .. } => (
                meant.iter().map(|hint| (**hint).clone()).collect(),
                Hint::GiveWeights { name: name.clone() },
            ),
            ModelError::NothingThere { default, .. } => {
                (Vec::new(), Hint::KindsOfWeights { example: default.clone() })
            }
            ModelError::NoCheckpoint { hint, .. } => (Vec::new(), (**hint).clone()),
            ModelError::Pickle { .. } => (Vec::new(), Hint::ConvertPickle),
            ModelError::Malformed { path, .. }
                if path.extension().is_some_and(|end| end == "onnx") =>
            {
                (Vec::new(), Hint::UseOnnx)
            }
            ModelError::OtherArchitecture { found, .. } => {
                (Vec::new(), Hint::UseModel(found.clone()))
            }
            ModelError::NoHead { path, model, .. } => {
                (Vec::new(), Hint::TrainHead { model: model.clone(), weights: path.clone() })
            }
            ModelError::UnknownPart { stages, nearest, .. } => {
                (near(nearest), Hint::Stages(stages.clone()))
            }
            ModelError::Malformed { .. }
            | ModelError::DoesNotFit { .. }
            | ModelError::WrongSide { .. } => return Vec::new(),
        };
        hints.push(hint);
        hints
    }
}
