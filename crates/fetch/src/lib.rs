//! HTTP downloads with resume and digests: the Hugging Face cache, packages of npm, Stanford Dogs.
//! Returns local paths, or the contents of a package's files.
//!
//! Downloads resume: a broken connection with a range request after a pause, a killed process from
//! what it left on disk. A file gets its final name only after its size and, if known, its digest
//! are verified. Sizes that a server announces are trusted only up to a limit. No other crate opens
//! a connection.

mod address;
mod error;

// Settings of the environment.
mod variables;

// Requests and retries.
mod client;
mod message;
mod redirect;
mod retry;

// Bodies that resume after a broken connection.
mod body;

// Whole files, one process at a time.
mod download;
mod lock;
mod verify;

// Sources: weights from the hub, packages from npm, photos from a tar.
pub mod hub;
pub mod npm;
pub mod onnxruntime_web;
pub mod stanford_dogs;
mod stream_tar;

pub use address::Address;
pub use client::{Client, ClientConfig};
pub use download::{Expect, Outcome, download};
pub use error::{FetchError, Result};
pub use stream_tar::{Streamed, TarSource, WrittenFile, stream_tar};
