//! Reads an untrusted tar from a file or from the network: with bounds, and with no entry that
//! leads outside a folder.
//!
//! A [`TarReader`] reads nothing ahead, so that a broken download resumes at the boundary of an
//! entry. Writes no files: the caller decides where an entry goes.

mod bounds;
mod error;
mod gzip;
mod names;
mod reader;

pub use bounds::{TarBounds, TarUsed};
pub use error::TarError;
pub use gzip::gunzip;
pub use names::stay_inside;
pub use reader::{BLOCK_BYTES, TarEntry, TarReader};
