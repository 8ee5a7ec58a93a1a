//! Training: chooses the trainable layers, runs the epochs, keeps the best checkpoint, and caches
//! features of the frozen stages.
//!
//! A run goes through these files in order: set up the network ([`setup`]), plan ([`plan`]), run
//! the epochs ([`fit`]), save a checkpoint after each ([`checkpoint`]), evaluate the best one on the
//! test photos, once ([`finish`]).

mod control;
mod error;

mod plan;
mod setup;

mod loss;
mod optimizer;
mod rates;
mod schedule;

mod device;
mod features;

mod best;
mod checkpoint;
mod fit;
mod machine;
mod rehearsal;

mod bench;
mod finish;
mod predict;
mod predictor;
mod select;
mod zero_shot;

#[cfg(test)]
mod fixtures;

pub use bench::{BenchMode, BenchOptions, DataBench, NetworkBench, bench_data, bench_network};
pub use best::{best_epoch, is_better};
pub use control::{Control, Observer, Silent};
pub use device::{Compute, DeviceChoice, GpuKind};
pub use error::{Result, TrainError};
pub use features::{CacheOptions, KeptFeatures};
pub use finish::{evaluate_run, predict_dataset};
pub use fit::{Outcome, TrainOptions, resume, train};
pub use kennel_kernels::{instruction_set, threads};
pub use loss::{CrossEntropy, class_weights};
pub use optimizer::{NamedGradients, Optimizer, clip_gradients, take_gradients};
pub use plan::{Plan, check_splits, trained_parts};
pub use predict::predict_photos;
pub use predictor::Predictor;
pub use rates::LayerRates;
pub use rehearsal::{Rehearsal, rehearse};
pub use schedule::{Plateau, Schedule};
pub use select::{Found, find_run};
pub use setup::{BURN_VERSION, manifest_digest};
pub use zero_shot::{ZeroShot, ZeroShotOptions, zero_shot};
