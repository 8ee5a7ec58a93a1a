//! Computes metrics with their uncertainty from predictions.
//!
//! Pure functions over logits and true classes: no files, no tensors, no clock. The definitions are
//! scikit-learn's, and tests compare with its numbers. Where a definition leaves room (ties, empty
//! classes), the function documents the choice. Shares are in [0, 1] and become per cent only when
//! rendered.

mod error;

mod calibration;
mod log_loss;
mod probabilities;
mod ranking;
mod top_k;

mod classification;
mod confusion_matrix;
mod interval;
mod paired;

mod ensemble;
mod evaluation;
mod rate;
mod run_evaluation;
mod unknown_facts;
mod validation;

pub use calibration::{
    Calibration, NotFitted, RELIABILITY_BINS, ReliabilityBin, TEMPERATURES, Temperature,
    calibration, fit_temperature, temperature_of,
};
pub use classification::{ClassScores, class_scores, macro_average, weighted_average};
pub use confusion_matrix::{ConfusedPair, confusion_matrix, most_confused_pairs};
pub use ensemble::{Added, EnsembleMember, average_predictions, log_average, select_greedily};
pub use error::MetricsError;
pub use evaluation::{ClassReport, Evaluation, evaluate, true_classes};
pub use interval::{Proportion, format_percent, format_proportion, wilson_interval};
pub use log_loss::{log_softmax, mean_log_loss, photo_log_loss};
pub use paired::{PairedCounts, holm, mcnemar_p, paired_counts, photos_to_separate};
pub use probabilities::{softmax, softmax_at};
pub use ranking::{RankedClass, rank, rank_probabilities};
pub use rate::Rate;
pub use run_evaluation::RunEvaluation;
pub use top_k::{argmax, in_top_k, top_k};
pub use unknown_facts::{LeftOutClass, UnknownFacts};
pub use validation::ValidationScore;
