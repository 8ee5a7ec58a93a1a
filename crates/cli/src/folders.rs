//! The default folders.

/// Default folder of the data set that `prepare` writes and `train` reads.
pub const DATA_DIR: &str = "data/processed";
/// Default folder of downloaded photos.
pub const RAW_DIR: &str = "data/raw";
/// Default folder of runs.
pub const RUNS_DIR: &str = "runs";
/// Default folder of reports.
pub const RESULTS_DIR: &str = "results";
/// Folder of explained photos, in that of reports.
pub const EXPLAINED_DIR: &str = "explained";
/// Default folder of exported files.
pub const MODELS_DIR: &str = "models";
/// Default folder of what only the page of `serve` writes.
pub const PAGE_DIR: &str = ".kennel/page";
/// Default folder of cached features.
pub const CACHE_DIR: &str = ".kennel/cache/features";
