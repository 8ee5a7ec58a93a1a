//! Errors of networks and their weights.

use std::path::PathBuf;

use kennel_core::CoreError;

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
    #[error("unknown model `{name}`{hint}\nhint: `kennel models` lists those there are")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// Weights that are not on this machine.
    #[error(
        "weights `{name}` are not on this machine: {searched}{hint}\n\
         hint: give a folder or file with --weights DIR (model.safetensors and config.json, as on huggingface.co/timm/{name}), \
         or put that folder into the Hugging Face cache"
    )]
    WeightsNotFound {
        /// `arch.tag`.
        name: String,
        /// Where Kennel searched for them.
        searched: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// A path without weights.
    #[error(
        "there is no {path}\nhint: weights are a safetensors file, a folder with model.safetensors, a run, or a name such as {default}",
        path = kennel_core::shown(path)
    )]
    NothingThere {
        /// The path.
        path: PathBuf,
        /// The name of the architecture's default weights.
        default: String,
    },
    /// A run without a finished epoch.
    #[error("{run} has no checkpoint: checkpoints/best.safetensors is not there\nhint: {hint}", run = kennel_core::shown(run))]
    NoCheckpoint {
        /// Its directory.
        run: PathBuf,
        /// What to do.
        hint: String,
    },
    /// A pickle, which is never read.
    #[error(
        "{path} is not read: only safetensors files are, since a pickle can run any code when it is opened\n\
         hint: convert it in Python with `safetensors.torch.save_file(torch.load(path, weights_only=True), \
         \"model.safetensors\")`", path = kennel_core::shown(path)
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
        "{path} holds weights of `{found}`, expected `{expected}`\nhint: use --model {found}", path = kennel_core::shown(path)
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
        "{path} has no classifier: `{head}` of `{model}` is missing\n\
         hint: a network without one names no class; `kennel train --model {model} --weights {word}` trains a new one",
        path = kennel_core::shown(path), word = kennel_core::quoted(&path.to_string_lossy())
    )]
    NoHead {
        /// The file.
        path: PathBuf,
        /// The architecture.
        model: String,
        /// The classifier's name.
        head: String,
    },
    /// A prefix that matches no tensor.
    #[error("`{prefix}` is no part of `{model}`{hint}\nhint: its stages are {stages}")]
    UnknownPart {
        /// The prefix.
        prefix: String,
        /// The architecture.
        model: String,
        /// The stages.
        stages: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
}
