//! Training: chooses the trainable layers, runs the epochs, keeps the best checkpoint, and caches
//! features of the frozen stages.
//!
//! A run goes through these files in order: begin or resume it ([`run`]), set up the network
//! ([`setup`]), plan ([`plan`]), run the epochs ([`fit`]), save a checkpoint after each
//! ([`checkpoint`]), evaluate the best one on the test photos, once ([`finish`]).

mod error;
mod options;

mod plan;
mod setup;

mod beta;
mod mixup;
mod mixup_draw;

mod decay;
mod ema;
mod loss;
mod optimizer;
mod rates;
mod schedule;

mod features;
mod shards;

mod convex;
mod learning_curve;

mod alike;
mod best;
mod checkpoint;
mod fit;
mod rehearsal;
mod run;
mod same_photos;

mod bench_step;
mod device_parity;
mod finish;
mod left_out;
mod select;
mod unknown;

#[cfg(test)]
mod fixtures;

pub use bench_step::bench_step;
pub use best::{best_epoch, is_better};
pub use convex::{FeatureRows, JudgedHead, MORE_PHOTOS, frozen_features, judge_head};
pub use decay::WeightDecay;
pub use device_parity::{GradientDifference, StepParity, compare_step};
pub use ema::WeightAverage;
pub use error::{Result, TrainError};
pub use features::KeptFeatures;
pub use finish::{evaluate_run, finish_run};
pub use fit::Trained;
pub use kennel_probe::{Extrapolation, Outlook};
pub use loss::{CrossEntropy, class_weights};
pub use mixup::Mix;
pub use mixup_draw::draw_mix;
pub use optimizer::{NamedGradients, Optimizer, clip_gradients, take_gradients};
pub use options::{CacheOptions, TrainOptions};
pub use plan::{check_splits, trained_parts};
pub use rates::LayerRates;
pub use rehearsal::{Rehearsal, rehearse};
pub use run::{resume, train};
pub use same_photos::check_same_photos;
pub use schedule::{Plateau, Schedule};
pub use select::{Found, find_run};
pub use unknown::learn_unknown;
