//! A trained network -> one self-contained ONNX file, proved equal before it gets its name.
//!
//! Builds the graph from the network's own description ([`graph`]), rewrites it for another
//! precision or input, adds the model card ([`provenance`]), runs the file on validation photos
//! beside the trained network ([`proof`]) and renames it into place ([`export`]). [`export_web`]
//! puts a page around it that labels photos in a browser.

mod error;

mod averaged;
mod graph;
mod mirrored;
mod provenance;
mod unknown;

mod int8;
mod parity;
mod photos;
mod proof;

mod ensemble;
mod export;
mod timm;
mod web;

pub use ensemble::{EnsembleOptions, export_ensemble};
pub use error::{ExportError, Loss, Result};
pub use export::{ExportOptions, Exported, export};
pub use graph::{INPUT, OUTPUT, to_onnx};
pub use mirrored::with_mirror;
pub use parity::{Parity, RuntimeParity, UnknownParity};
pub use timm::{TimmFolder, export_timm};
pub use unknown::{late_outputs, with_trunk, with_unknown};
pub use web::{WebFolder, WebRuntime, check_web_folder, export_web};
