//! Errors between a run and its exported file.

use std::fmt;
use std::path::PathBuf;

use kennel_core::{CoreError, Hint, Hinted, Stopped};
use kennel_data::DataError;
use kennel_infer::InferError;
use kennel_metrics::{MetricsError, Proportion, format_proportion};
use kennel_models::ModelError;
use kennel_onnx::OnnxError;
use kennel_onnx::quantise::Sensitivity;

/// Result of this crate's functions.
pub type Result<T, E = ExportError> = std::result::Result<T, E>;

/// Accuracy that a file lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// `int8`, `fp16`, `photo-input` or two of them.
    pub flavour: String,
    /// Runtime that showed the loss.
    pub runtime: String,
    /// Accuracy of the file.
    pub found: Proportion,
    /// Accuracy of the trained network.
    pub expected: Proportion,
    /// Percentage points of accuracy that it was allowed to lose.
    pub max_drop: f64,
    /// With int8: the layers that hurt most, worst first.
    pub worst: Vec<Sensitivity>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loss { flavour, runtime, found, expected, max_drop, worst } = self;
        let (found, expected) = (format_proportion(found), format_proportion(expected));
        write!(
            f,
            "the {flavour} file is not named: in {runtime} it has {found} of the validation photos right, the trained network \
             {expected}, and {max_drop} points may be lost"
        )?;
        for Sensitivity { layer, error } in worst {
            write!(f, "\n  `{layer}` alone in 8 bits moves the logits by {:.1} %", 100.0 * error)?;
        }
        Ok(())
    }
}

/// A run that cannot be exported, or a file that does not match its run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A shared file failed.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A network or its weights failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Stopped on request.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Predictions that cannot be evaluated.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// An ONNX file or a runtime failed.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Another error of inference.
    #[error(transparent)]
    Infer(Box<InferError>),
    /// The photos for the proof cannot be read.
    #[error("{source}")]
    Photos {
        /// What is wrong with them.
        #[source]
        source: Box<DataError>,
        /// Seed of their split, if Kennel divided them.
        seed: Option<u64>,
    },
    /// The photos' folder is gone.
    #[error("there is no {folder}, where the run's photos lay", folder = kennel_core::shown(folder))]
    NoPhotoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// A photo for the proof differs from the run's.
    #[error("{path} is not the photo that the run was trained with", path = kennel_core::shown(path))]
    OtherPhoto {
        /// The photo.
        path: PathBuf,
    },
    /// The trained network's logit for a photo is not finite.
    #[error("the trained network gives {photo} a logit of {logit}", photo = kennel_core::shown(photo))]
    NoNumber {
        /// The photo.
        photo: PathBuf,
        /// The logit.
        logit: f32,
    },
    /// The run has no photos to prove a file on.
    #[error("{run} has no validation photos, and a file is named only when it was proved on some", run = kennel_core::shown(run))]
    NoPhotos {
        /// The run.
        run: PathBuf,
    },
    /// A float file that does not match the network.
    #[error(
        "the file is not named: in {runtime} its logits differ from the trained network's by {difference:e} of the largest \
         (at most 1e-4), and {agreement} photos have the same first class"
    )]
    NotEqual {
        /// Runtime that ran the file.
        runtime: String,
        /// Largest difference divided by the largest logit.
        difference: f64,
        /// Photos with the same first class, as in `116/117`.
        agreement: String,
    },
    /// A float file whose unknown scores do not match the network's.
    #[error(
        "the file is not named: in {runtime} its unknown scores differ from the trained network's \
         by {difference:e} of a score (at most 1e-3)"
    )]
    UnknownNotEqual {
        /// The runtime.
        runtime: String,
        /// The largest relative difference.
        difference: f64,
    },
    /// A file other than float32 over pixels lost too much accuracy.
    #[error("{0}")]
    LostTooMuch(Box<Loss>),
    /// No runtime on this machine can run the file.
    #[error("the file is not named: nothing on this machine can run it{reasons}")]
    NotProved {
        /// Each runtime's reason, one per line.
        reasons: String,
    },
    /// A layer that was to stay in floats is not in the network.
    #[error("`{name}` is no layer of this network")]
    UnknownLayer {
        /// The name.
        name: String,
        /// The layer that is closest to it.
        nearest: Option<String>,
        /// A few of the network's layers.
        examples: Vec<String>,
    },
    /// A run that cannot be in one file with the first.
    #[error("{run} cannot be in one file with {first}: {reason}")]
    NotOneFile {
        /// Name of the run.
        run: String,
        /// Name of the first run.
        first: String,
        /// Why not.
        reason: &'static str,
    },
    /// Something else is at the path.
    #[error("{path} is in the way: {what}", path = kennel_core::shown(path))]
    InTheWay {
        /// What is there.
        what: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// The list of proofs is damaged.
    #[error("{path} is not a valid list of proofs: {reason}", path = kennel_core::shown(path))]
    Proofs {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The written file reads back differently.
    #[error("{path} was written and reads back differently: {reason}", path = kennel_core::shown(path))]
    ReadsBackDifferently {
        /// The file.
        path: PathBuf,
        /// The first difference.
        reason: String,
    },
}

impl ExportError {
    /// The error for a photo of a proof that cannot be read.
    pub(crate) fn unreadable(source: DataError) -> Self {
        ExportError::Photos { source: Box::new(source), seed: None }
    }
}

impl From<InferError> for ExportError {
    fn from(error: InferError) -> Self {
        match error {
            InferError::Data(source) => ExportError::unreadable(source),
            InferError::Stopped(stopped) => stopped.into(),
            InferError::Onnx(error) => error.into(),
            error => ExportError::Infer(Box::new(error)),
        }
    }
}

impl Hinted for ExportError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            ExportError::Core(error) => return error.hints(),
            ExportError::Model(error) => return error.hints(),
            ExportError::Onnx(error) => return error.hints(),
            ExportError::Infer(error) => return error.hints(),
            ExportError::Photos { source, seed } => {
                let mut hints = source.hints();
                hints.push(Hint::RunsPhotos { seed: *seed });
                return hints;
            }
            ExportError::NoPhotoFolder { .. } | ExportError::OtherPhoto { .. } => {
                Hint::RunsPhotos { seed: None }
            }
            ExportError::NoNumber { .. } => Hint::LowerRate,
            ExportError::NotEqual { .. } | ExportError::UnknownNotEqual { .. } => Hint::ReportBug,
            ExportError::LostTooMuch(loss) => Hint::AllowLoss {
                layers: loss.worst.iter().map(|layer| layer.layer.clone()).collect(),
            },
            ExportError::UnknownLayer { nearest, examples, .. } => {
                let mut hints: Vec<Hint> = nearest.iter().cloned().map(Hint::DidYouMean).collect();
                hints.push(Hint::Layers(examples.clone()));
                return hints;
            }
            ExportError::InTheWay { .. } => Hint::OtherName,
            ExportError::Proofs { .. } => Hint::MoveAway,
            ExportError::Metrics(_)
            | ExportError::Stopped(_)
            | ExportError::NoPhotos { .. }
            | ExportError::NotProved { .. }
            | ExportError::NotOneFile { .. }
            | ExportError::ReadsBackDifferently { .. } => return Vec::new(),
        };
        vec![hint]
    }
}
