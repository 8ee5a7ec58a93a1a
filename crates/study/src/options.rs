//! The photos and places of a study.

use std::path::Path;

use kennel_data::Dataset;
use kennel_report::Commands;
use kennel_train::TrainOptions;

use crate::{Claims, Existing};

/// What all experiments of a study share besides their settings.
pub struct StudyOptions<'a> {
    /// The photos.
    pub data: &'a Dataset,
    /// The folder of runs.
    pub runs: &'a Path,
    /// The runs in it before the study.
    pub existing: &'a Existing,
    /// The claims in it; none if everything is trained again, or shards share the work.
    pub claims: Option<&'a Claims>,
    /// Whether the untouched heads are scored; one shard does that for all.
    pub scores_baselines: bool,
    /// Device, cache and photos of each training.
    pub train: TrainOptions,
    /// Words errors and commands.
    pub commands: &'a dyn Commands,
}
