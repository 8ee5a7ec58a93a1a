//! The photos and places of a study.

use std::path::Path;

use kennel_data::Dataset;
use kennel_report::Commands;
use kennel_train::TrainOptions;

use crate::Existing;

/// What all experiments of a study share besides their settings.
pub struct StudyOptions<'a> {
    /// The photos.
    pub data: &'a Dataset,
    /// The folder of runs.
    pub runs: &'a Path,
    /// The runs in it before the study.
    pub existing: &'a Existing,
    /// Device, cache and photos of each training.
    pub train: TrainOptions,
    /// Words errors and commands.
    pub commands: &'a dyn Commands,
}
