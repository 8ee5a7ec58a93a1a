//! HTTP with resume and digests, the Hugging Face cache, Stanford Dogs. Hands out local paths.
//!
//! Whatever breaks off goes on: a connection by a range request after a pause, a killed process by what it left on disk.
//! Nothing gets its final name before its size and, where one is known, its digest are right; nothing that a server announces is
//! believed beyond a bound. No other room opens a connection.

mod address;
mod error;

// Asking: how a server is asked, and asked again.
mod client;
mod redirect;
mod retry;

// Receiving: a body that goes on where it broke off.
mod body;

// Keeping: whole files, one process at a time.
mod download;
mod lock;
mod verify;

// What is fetched: weights from the hub, photos out of a tar.
pub mod hub;
pub mod stanford_dogs;
mod stream_tar;

pub use address::Address;
pub use client::{Client, ClientConfig, Event, Watch};
pub use download::{Expect, Outcome, download};
pub use error::{FetchError, Result};
pub use stream_tar::{Streamed, TarSource, WrittenFile, stream_tar};
