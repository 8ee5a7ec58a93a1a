//! What can go wrong with ONNX files and what runs them.

use std::path::PathBuf;

use kennel_core::CoreError;

use crate::RuntimeKind;

/// The result of this room's functions.
pub type Result<T, E = OnnxError> = std::result::Result<T, E>;

/// A file that cannot be read, believed or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A shared file failed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A file that is not an ONNX model.
    #[error("{path} is not an ONNX file: {reason}", path = kennel_core::shown(path))]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file that ends too early, or contradicts itself.
    #[error("{path} is truncated or damaged: {reason}", path = kennel_core::shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A graph whose weights lie in a second file that is not there.
    #[error(
        "{path} is a graph whose weights lie in {weights}, which is {problem}\n\
         hint: both files must travel together; or export again without --external-data", path = kennel_core::shown(path), weights = kennel_core::shown(weights)
    )]
    WeightsMissing {
        /// The graph.
        path: PathBuf,
        /// Where its weights should be.
        weights: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
    /// A graph whose second file holds other weights than those that it was written with.
    #[error(
        "{weights} does not hold the weights of {path}: its SHA-256 is {found}, the graph's {expected}\n\
         hint: both files must travel together; copy both again, or export again", path = kennel_core::shown(path), weights = kennel_core::shown(weights)
    )]
    OtherWeights {
        /// The graph.
        path: PathBuf,
        /// Where its weights should be.
        weights: PathBuf,
        /// What was found.
        found: String,
        /// What the graph knows.
        expected: String,
    },
    /// A graph that is no classifier of photos.
    #[error("{path}: {what} is {found}, expected {expected}", path = kennel_core::shown(path))]
    NotAClassifier {
        /// The file.
        path: PathBuf,
        /// Its input or output.
        what: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A file that does not say how photos are prepared, or what its classes are called.
    #[error("{path} does not say {missing}\nhint: {hint}", path = kennel_core::shown(path))]
    Undescribed {
        /// The file.
        path: PathBuf,
        /// What is not known.
        missing: String,
        /// The flags that say it.
        hint: String,
    },
    /// A file's metadata that make no sense.
    #[error("{path}: its metadata `{key}` is `{found}`, expected {expected}", path = kennel_core::shown(path))]
    Metadata {
        /// The file.
        path: PathBuf,
        /// Its key.
        key: String,
        /// Its value.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A runtime that is not on this machine.
    #[error("{runtime} is not at hand: {reason}\nhint: {hint}")]
    NoRuntime {
        /// Which.
        runtime: RuntimeKind,
        /// Why not.
        reason: String,
        /// How to get it.
        hint: String,
    },
    /// A runtime that refuses the file, or fails on it.
    #[error("{runtime} cannot {verb} {path}: {reason}", path = kennel_core::shown(path))]
    Runtime {
        /// Which.
        runtime: RuntimeKind,
        /// `read` or `run`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Its words.
        reason: String,
    },
    /// The caller said stop.
    #[error("stopped")]
    Stopped,
    /// A graph that was not written by this program cannot be changed by it.
    #[error("the graph cannot be {verb}: {reason}")]
    Graph {
        /// `quantised` and such.
        verb: &'static str,
        /// Why not.
        reason: String,
    },
}
