//! Options that do not change a run's result, and so are not part of its configuration.

use std::path::PathBuf;
use std::sync::Arc;

use kennel_data::Dataset;
use kennel_infer::Compute;
use kennel_ranks::Ranks;

/// How a run is trained.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Device that the network runs on. (Another device rounds differently, so the device is
    /// recorded.)
    pub compute: Compute,
    /// Cache for the features of the frozen stages; without it every epoch computes them again.
    pub cache: Option<CacheOptions>,
    /// The photos, if the caller has opened them already. Without them, a folder that was not
    /// prepared is decoded again. Ignored if they are of another folder than the configuration's.
    pub data: Option<Dataset>,
    /// Leaves the test photos unread: for the trials of a search, whose chosen result reads them
    /// once. The run is finished without predictions of test photos, as one on photos without a
    /// test split. Resuming it without this option reads them. A run that has predicted them before
    /// predicts them again.
    pub skip_test: bool,
    /// The processes that train the run together. Each must call the same functions with the same
    /// settings, on photos and weights of its own. Rank 0 alone writes, and reads the test photos;
    /// the others end with its evaluation. They share one training: not a search, folds, a refit
    /// or `auto`.
    pub ranks: Arc<Ranks>,
}

impl TrainOptions {
    /// Options of a run by this process alone, without a cache.
    pub fn new(compute: Compute) -> Self {
        Self { compute, cache: None, data: None, skip_test: false, ranks: Arc::new(Ranks::alone()) }
    }
}

/// Folder and size limit of the feature cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Folder, created when needed.
    pub dir: PathBuf,
    /// Maximum size of all its files together.
    pub max_bytes: u64,
}
