//! Event files, which TensorBoard shows while a run trains.
//!
//! A file is a sequence of TFRecords (`record`), each of which holds one `Event` message (`event`).
//! [`EventWriter`] appends the scalars of an epoch.

mod event;
mod record;
mod writer;

pub use writer::EventWriter;
