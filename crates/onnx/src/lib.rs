//! ONNX files, once a graph exists: written, read, described, run, quantised, compared, timed. Knows no training and no Burn.
//!
//! A file is a [`ModelProto`]. It is built node by node ([`builder`]), may be rewritten ([`half`], [`quantise`]), gets photos in
//! place of pixels ([`photo_input`]) and says of itself what another program needs ([`ModelCard`]). A [`Session`] runs it in
//! rten or ONNX Runtime, here or in a process of its own ([`Apart`]); a [`Classifier`] labels photos with it.

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

pub use bench::{FileBench, FileRate, NotRun, bench_file};
pub use card::{Described, Description, ModelCard, Precision};
pub use classifier::{Classifier, Takes};
pub use error::{OnnxError, Result};
pub use file::{TensorInfo, inputs, outputs, read_model, weights_beside, write_model, write_model_apart};
pub use proto::ModelProto;
pub use runtime::{Input, Output, RuntimeKind, Session, Values};
pub use worker::{Apart, serve};
