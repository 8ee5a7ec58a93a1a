//! The shared types of Kennel and the file formats that store them.
//!
//! Every other crate uses these types: the split of a photo, its preprocessing, the settings
//! of a run, the logits of a photo, the paths of a run's files. There are no pixels here, no
//! tensors and no clock.

mod bounded;
mod direction;
mod duration;
mod error;
pub mod files;
pub mod hint;
pub mod hub_cache;
pub mod imagenet;
mod lang;
mod lock;
mod new_file;
mod panics;
pub mod scratch;
pub mod seed;
mod shard;
mod shell;
mod shown;
mod suggest;
pub mod task;

mod augmentation;
mod manifest;
mod preprocessing;
mod split;

mod choice;
mod settings;
mod strategy;

mod auto_record;
mod learning_curve;
mod run_record;
mod search_record;

mod prediction;
mod run_dir;
mod spelling;
mod sums;

pub use augmentation::{Augmentation, AugmentationPolicy, AugmentationSet, Crop};
pub use auto_record::{AutoRecord, CandidateRecord};
pub use bounded::{open_regular, read_bounded};
pub use direction::kept_in_place;
pub use duration::duration;
pub use error::{CoreError, Result};
pub use hint::{Hint, Hinted, Note};
pub use lang::Lang;
pub use learning_curve::{
    CurveAhead, CurveDraw, CurveLaw, CurveOutlook, CurveSize, HalvedClassRecord, HalvedErrors,
    LearningCurveRecord,
};
pub use lock::Lock;
pub use manifest::{
    DuplicateGroup, DuplicateKind, Manifest, PhotoRecord, RejectedPhoto, SplitCounts,
};
pub use new_file::NewFile;
pub use panics::{PanicWatch, catch_panic, catch_panics_of_threads};
pub use prediction::{PredictionRecord, write_predictions};
pub use preprocessing::{CropMode, Interpolation, Preprocessing};
pub use run_dir::{EpochRecord, RunDir, write_metrics};
pub use run_record::{RunFacts, RunRecord};
pub use search_record::{SearchRecord, SearchTrial, TrialEnd};
pub use settings::{
    ChooseBy, ClassWeights, HeadFit, HeadInit, Mixing, OptimizerConfig, OutOfBounds,
    PartialAugmentation, PartialCrop, PartialOptimizer, PartialPreprocessing, PartialScheduler,
    PartialSettings, SchedulerKind, Settings, SettingsError, TestView, Weights,
};
pub use shard::{NotAShard, Shard};
pub use shell::quoted;
pub use shown::{escaped_lines, shown, shown_message};
pub use spelling::{caseless, composed};
pub use split::Split;
pub use strategy::{Method, Strategy};
pub use suggest::did_you_mean;
pub use sums::Changes;
pub use task::{Stopped, Task};
