//! Errors of ONNX files and their runtimes.

use std::path::PathBuf;

use kennel_core::hint::Missing;
use kennel_core::{CoreError, Hint, Hinted, Stopped};

use crate::RuntimeKind;

/// Result of the functions of this crate.
pub type Result<T, E = OnnxError> = std::result::Result<T, E>;

/// An ONNX file that cannot be read, rewritten or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// An error of `kennel_core`, such as a failed read or write.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The file is not an ONNX model.
    #[error("{path} is not an ONNX file: {reason}", path = kennel_core::shown(path))]
    NotOnnx {
        /// Path of the file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The file ends too early or is inconsistent.
    #[error("{path} is truncated or damaged: {reason}", path = kennel_core::shown(path))]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The weights file that the graph refers to is missing or unusable.
    #[error(
        "{path} is a graph whose weights lie in {weights}, which is {problem}", path = kennel_core::shown(path), weights = kennel_core::shown(weights)
    )]
    WeightsMissing {
        /// Path of the graph.
        path: PathBuf,
        /// Expected path of the weights.
        weights: PathBuf,
        /// What is wrong with the weights file.
        problem: String,
    },
    /// The weights file is not the one that the graph was written with.
    #[error(
        "{weights} does not hold the weights of {path}: its SHA-256 is {found}, the graph's \
         {expected}", path = kennel_core::shown(path), weights = kennel_core::shown(weights)
    )]
    OtherWeights {
        /// Path of the graph.
        path: PathBuf,
        /// Path of the weights.
        weights: PathBuf,
        /// SHA-256 of the weights file.
        found: String,
        /// SHA-256 in the metadata of the graph.
        expected: String,
    },
    /// The graph is not a classifier of photos.
    #[error("{path}: {what} is {found}, expected {expected}", path = kennel_core::shown(path))]
    NotAClassifier {
        /// Path of the file.
        path: PathBuf,
        /// The input, output or other part of the graph that does not fit.
        what: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The metadata lack class names or preprocessing.
    #[error("{path} does not say {}", in_words(missing), path = kennel_core::shown(path))]
    Undescribed {
        /// Path of the file.
        path: PathBuf,
        /// What is missing.
        missing: Vec<Missing>,
    },
    /// A value of the metadata is invalid.
    #[error("{path}: its metadata `{key}` is `{found}`, expected {expected}", path = kennel_core::shown(path))]
    Metadata {
        /// Path of the file.
        path: PathBuf,
        /// Key of the value.
        key: String,
        /// Value found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The runtime is not available on this machine.
    #[error("{runtime} is not at hand: {reason}")]
    NoRuntime {
        /// The runtime.
        runtime: RuntimeKind,
        /// Why it is not available.
        reason: String,
        /// Environment variable that names its library.
        variable: &'static str,
    },
    /// The runtime rejects the file or fails on it.
    #[error("{runtime} cannot {verb} {path}: {reason}", path = kennel_core::shown(path))]
    Runtime {
        /// The runtime.
        runtime: RuntimeKind,
        /// `read` or `run`.
        verb: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Message of the runtime.
        reason: String,
        /// Whether it took longer than its time limit.
        timed_out: bool,
    },
    /// The caller asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The graph cannot be rewritten: it lacks what the rewrite expects, or holds a value that does
    /// not fit.
    #[error("the graph cannot be {verb}: {reason}")]
    Graph {
        /// What could not be done, such as `quantised`.
        verb: &'static str,
        /// Why not.
        reason: String,
    },
}

/// What is missing, as the end of a sentence.
fn in_words(missing: &[Missing]) -> String {
    let word = |missing: &Missing| match missing {
        Missing::ClassNames => "what its classes are called",
        Missing::Side => "the side of its input",
        Missing::CropPct => "how much of the photo is cropped",
        Missing::Interpolation => "how photos are resized",
        Missing::Mean => "the mean of its channels",
        Missing::Std => "their standard deviation",
    };
    missing.iter().map(word).collect::<Vec<_>>().join(", ")
}

impl Hinted for OnnxError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            OnnxError::Core(error) => return error.hints(),
            OnnxError::WeightsMissing { .. } => Hint::KeepTogether { inside: true },
            OnnxError::OtherWeights { .. } => Hint::KeepTogether { inside: false },
            OnnxError::Undescribed { missing, .. } => Hint::Describe(missing.clone()),
            OnnxError::NoRuntime { variable, .. } => Hint::InstallRuntime { variable },
            OnnxError::Runtime { timed_out: true, .. } => Hint::MoreTime,
            _ => return Vec::new(),
        };
        vec![hint]
    }
}
