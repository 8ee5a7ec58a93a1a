//! Inference: opens a device, loads a network, and turns photos into predictions.
//!
//! [`Compute`] is a device that works, [`Predictor`] a network with its classes. The rest uses the
//! two: predict a split and evaluate the predictions, score ImageNet's head without training, and
//! time a network.

mod control;
mod error;
pub mod machine;

mod device;
mod open_data;

mod predict;
mod predictor;

mod evaluate;
mod zero_shot;

mod bench;

pub use bench::{
    BenchOptions, CLASSES as BENCH_CLASSES, DataBench, NetworkBench, bench_data, bench_infer, bench_network,
};
pub use control::{Control, PhotoObserver};
pub use device::{BURN_VERSION, Compute, DeviceChoice, GpuKind};
pub use error::{InferError, Result};
pub use evaluate::predict_dataset;
pub use kennel_kernels::{instruction_set, threads};
pub use open_data::{manifest_digest, open_data, open_data_to_judge, tell_notes};
pub use predict::{BATCH, collect, pixels};
pub use predictor::Predictor;
pub use zero_shot::{ZeroShot, ZeroShotOptions, zero_shot};
