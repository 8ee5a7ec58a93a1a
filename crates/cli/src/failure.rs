//! How a command fails: its message, with hints, and its exit status.

use kennel_audit::AuditError;
use kennel_core::{CoreError, SettingsError};
use kennel_data::DataError;
use kennel_export::ExportError;
use kennel_infer::InferError;
use kennel_metrics::MetricsError;
use kennel_models::ModelError;
use kennel_onnx::OnnxError;
use kennel_report::ReportError;
use kennel_serve::ServeError;
use kennel_study::StudyError;
use kennel_train::TrainError;

use crate::hints::worded;
use crate::nearby::hint_nearby;

/// Message of a stopped command that writes all or nothing.
const NOTHING_WRITTEN: &str = "stopped; nothing was written";

/// Message of a stopped training, where its command says no more.
const EPOCHS_KEPT: &str = "stopped; the finished epochs are kept";

/// Why a command failed.
/// The result of a command.
pub type CommandResult = Result<(), Failure>;

#[derive(Debug)]
pub enum Failure {
    /// The command failed: status 1.
    Failed(String),
    /// The command line or the configuration is wrong: status 2.
    Usage(String),
    /// Part of the work failed, and the messages are printed already: status 1.
    Partly,
    /// The user stopped the command: status 130. Holds a message about the work done, empty if that
    /// is printed already.
    Interrupted(&'static str),
}

impl Failure {
    /// Returns the error message, unless it is printed already.
    pub fn message(&self) -> Option<&str> {
        match self {
            Failure::Failed(message) | Failure::Usage(message) => Some(message),
            Failure::Partly | Failure::Interrupted(_) => None,
        }
    }

    /// Prints to stderr what is not printed yet.
    pub fn tell(&self) {
        match self {
            Failure::Failed(message) | Failure::Usage(message) => shout!("error: {message}"),
            Failure::Interrupted(became) if !became.is_empty() => shout!("{became}"),
            Failure::Partly | Failure::Interrupted(_) => {}
        }
    }

    /// Returns the exit status of the process.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Failed(_) | Failure::Partly => 1,
            Failure::Usage(_) => 2,
            Failure::Interrupted(_) => 130,
        }
    }
}

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::UnknownWord { .. } => Failure::Usage(worded(&error)),
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::UnknownWord(error) => error.into(),
            SettingsError::NoModel => Failure::Usage(
                "which network? give --model NAME\nhint: `kennel models` lists them".into(),
            ),
            error => Failure::Usage(worded(&error)),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::UnknownModel { .. } | ModelError::UnknownPart { .. } => {
                Failure::Usage(worded(&error))
            }
            ModelError::Core(error) => error.into(),
            ModelError::NothingThere { ref path, .. } => {
                Failure::Failed(worded(&error) + &hint_nearby(path).unwrap_or_default())
            }
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Hyperparameter { .. }
            | TrainError::ClassWeights { .. }
            | TrainError::HeadNotTrained { .. }
            | TrainError::FewShards { .. }
            | TrainError::SeveralTrainings { .. } => Failure::Usage(worded(&error)),
            TrainError::Stopped(_) => Failure::Interrupted(NOTHING_WRITTEN),
            TrainError::Interrupted { .. } => Failure::Interrupted(EPOCHS_KEPT),
            TrainError::Infer(error) => (*error).into(),
            TrainError::Core(error) => error.into(),
            TrainError::Data(error) => error.into(),
            TrainError::Model(error) => error.into(),
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<InferError> for Failure {
    fn from(error: InferError) -> Self {
        match error {
            InferError::OutOfBounds { .. } | InferError::Device { .. } => {
                Failure::Usage(worded(&error))
            }
            InferError::Stopped(_) => Failure::Interrupted(NOTHING_WRITTEN),
            InferError::Onnx(error) => error.into(),
            InferError::Core(error) => error.into(),
            InferError::Data(error) => error.into(),
            InferError::Model(error) => error.into(),
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Stopped(_) => Failure::Interrupted(NOTHING_WRITTEN),
            DataError::Fractions { .. } => Failure::Usage(worded(&error)),
            DataError::NoDataset { ref path } => {
                Failure::Failed(worded(&error) + &hint_nearby(path).unwrap_or_default())
            }
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<MetricsError> for Failure {
    fn from(error: MetricsError) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Failure::Failed(worded(&error))
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::NoToken { .. } | ServeError::SameName { .. } => {
                Failure::Usage(worded(&error))
            }
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Stopped(_) => Failure::Interrupted(""),
            StudyError::Core(error) => error.into(),
            StudyError::Model(error) => error.into(),
            StudyError::Report(error) => error.into(),
            error => Failure::Failed(worded(&error)),
        }
    }
}

impl From<OnnxError> for Failure {
    fn from(error: OnnxError) -> Self {
        match error {
            OnnxError::Undescribed { .. } => Failure::Usage(worded(&error)),
            OnnxError::Stopped(_) => Failure::Interrupted(NOTHING_WRITTEN),
            _ => Failure::Failed(worded(&error)),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Stopped(_) => Failure::Interrupted(NOTHING_WRITTEN),
            ExportError::UnknownLayer { .. } => Failure::Usage(worded(&error)),
            ExportError::Core(error) => error.into(),
            ExportError::Model(error) => error.into(),
            ExportError::Onnx(error) => error.into(),
            _ => Failure::Failed(worded(&error)),
        }
    }
}
