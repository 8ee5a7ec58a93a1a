//! Inference: opens a device, loads a network, and turns photos into predictions.
//!
//! [`Compute`] is a device that works. A [`Model`] labels photos: a [`Predictor`], which is a
//! network with its classes, or an ONNX file. [`label`] is the loop from photos to rows. The rest
//! uses it: evaluate a run on other photos, and score ImageNet's head without training. [`explain`]
//! says where in photos the evidence lies; [`draw_heat_maps`] draws that into a run. A
//! [`PhotoIndex`] finds photos that are alike; [`draw_photo_map`] draws a map of them into a run.
//! `bench` times a network.

mod error;
pub mod machine;

mod device;
mod mirror;
mod model;
mod unknown;

mod predictor;

mod open_data;
mod photos;

mod explain;
mod features;
mod heat_maps;
mod label;
mod predict;

mod photo_index;
mod photo_map;

mod late_features;

mod evaluate;
mod zero_shot;

mod bench;

pub use bench::{
    BenchOptions, CLASSES as BENCH_CLASSES, DataBench, NetworkBench, bench_data, bench_infer,
    bench_network, drawn,
};
pub use device::{BURN_VERSION, Compute, DeviceChoice, GpuKind, NotADevice};
pub use error::{InferError, Result};
pub use evaluate::predict_dataset;
pub use explain::{ExplainedPhoto, explain, explain_batch};
pub use features::{FeatureRow, feature_batch, features};
pub use heat_maps::draw_heat_maps;
pub use kennel_kernels::{instruction_set, threads};
pub use label::{Row, Scores, UnknownScore, label, label_batch};
pub use late_features::late_features;
pub use mirror::{mean_of_both, mirrored};
pub use model::{Explained, Model};
pub use open_data::{manifest_digest, open_data_to_judge, open_photos_of_run, tell_notes};
pub use photo_index::{PhotoIndex, PlacedPhoto, SimilarPhoto};
pub use photo_map::draw_photo_map;
pub use photos::{BATCH, Batch, Photos, Prepared};
pub use predict::{collect, pixels, predict_photos};
pub use predictor::{Predictor, UnknownTeller};
pub use unknown::{LearntUnknown, read_unknown, write_unknown};
pub use zero_shot::{ZeroShot, ZeroShotOptions, zero_shot};
