//! ONNX files: builds, writes, reads, describes, runs, quantises and times them. Knows no training
//! and no Burn.
//!
//! A file is a [`ModelProto`]. [`builder`] builds it node by node. [`half`] and [`quantise`]
//! rewrite it in fewer bits. [`photo_input`] makes it take photos instead of prepared pixels.
//! [`ModelCard`] adds the metadata that another program needs to use it.
//!
//! A [`Session`] runs a file in rten or ONNX Runtime, in this process or in one of its own
//! ([`Apart`]). A [`Classifier`] labels photos with it.

mod error;

pub mod builder;
mod file;
pub mod proto;

mod card;

pub mod half;
pub mod photo_input;
pub mod quantise;

mod runtime;
mod worker;

mod bench;
mod classifier;
mod unknown_output;

pub use bench::{FileBench, FileRate, NotRun, bench_file};
pub use card::{Described, Description, ModelCard, Precision, UnknownCard};
pub use classifier::{Answers, Classifier, Takes};
pub use error::{OnnxError, Result};
pub use file::{
    TensorInfo, inputs, outputs, read_model, weights_beside, write_model, write_model_apart,
};
pub use proto::ModelProto;
pub use runtime::{Input, Output, RuntimeKind, Session, Values};
pub use unknown_output::{LateOutput, UNKNOWN_SCORE, UnknownGraph, with_unknown_score};
pub use worker::{Apart, serve};
