//! What can go wrong with networks and their weights.

use std::path::PathBuf;

use kennel_core::CoreError;

/// The result of this room's functions.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A network that is not known, or weights that cannot be found, read or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A shared file failed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// No architecture has this name.
    #[error("unknown model `{name}`{hint}\nhint: `kennel models` lists those there are")]
    UnknownModel {
        /// What was asked for.
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
        /// Where they were looked for.
        searched: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// A path that leads to no weights.
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
        /// The way out.
        hint: String,
    },
    /// A file that is not read, whatever is in it.
    #[error(
        "{path} is not read: only safetensors files are, since a pickle can run any code when it is opened\n\
         hint: convert it in Python with `safetensors.torch.save_file(torch.load(path, weights_only=True), \
         \"model.safetensors\")`", path = kennel_core::shown(path)
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A file that is not what it claims to be.
    #[error("{path} is not a valid safetensors file: {reason}", path = kennel_core::shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A folder's `config.json` is of another architecture.
    #[error(
        "{path} holds weights of `{found}`, expected `{expected}`\nhint: use --model {found}", path = kennel_core::shown(path)
    )]
    OtherArchitecture {
        /// The folder or file.
        path: PathBuf,
        /// The architecture that it names.
        found: String,
        /// The one that was asked for.
        expected: String,
    },
    /// The tensors of a file are not those of the network.
    #[error("{path} does not fit `{model}`:\n{details}", path = kennel_core::shown(path))]
    DoesNotFit {
        /// The file.
        path: PathBuf,
        /// The architecture.
        model: String,
        /// The first few tensors that are missing, left over or misshapen, one a line.
        details: String,
    },
    /// Weights without a classifier where one was to answer.
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
    /// A prefix that names no tensor.
    #[error("`{prefix}` is no part of `{model}`{hint}\nhint: its stages are {stages}")]
    UnknownPart {
        /// What was asked for.
        prefix: String,
        /// The architecture.
        model: String,
        /// The stages.
        stages: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
}
