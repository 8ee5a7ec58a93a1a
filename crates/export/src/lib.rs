//! A trained network -> one ONNX file that works by itself, proved equal before it gets its name.
//!
//! The graph is written from the network's own description ([`graph`]), rewritten where another flavour was asked for, told what it
//! is ([`provenance`]), run on validation photos beside the trained network ([`proof`]) and renamed ([`export`]).

mod error;

mod graph;
mod provenance;

mod int8;
mod parity;
mod photos;
mod proof;

mod export;
mod timm;

pub use error::{ExportError, Loss, Result};
pub use export::{ExportOptions, Exported, export};
pub use graph::{INPUT, OUTPUT, to_onnx};
pub use parity::{Parity, RuntimeParity};
pub use timm::{TimmFolder, export_timm};
