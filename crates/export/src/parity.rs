//! `parity.json`: the proofs of the exported files beside it.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::files;
use kennel_metrics::Proportion;
use serde::{Deserialize, Serialize};

use crate::{ExportError, Result};

/// The proof of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of its separate weights file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Size of the file, including a separate weights file.
    pub size_bytes: u64,
    /// `float32`, `float16` or `int8`.
    pub precision: String,
    /// `pixels` or `photo`.
    pub input: String,
    /// Name of the run.
    pub run: String,
    /// Number of validation photos that the file ran on.
    pub photos: usize,
    /// Accuracy of the trained network on them.
    pub network_accuracy: Proportion,
    /// The file's results in each runtime.
    pub runtimes: Vec<RuntimeParity>,
    /// Runtimes that could not run the file, with the reason.
    pub not_run: BTreeMap<String, String>,
}

/// A file's results in one runtime, compared with the trained network on the same photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeParity {
    /// `rten` or `onnxruntime`.
    pub runtime: String,
    /// Largest |difference| of logits (of probabilities for a file that takes photos).
    pub max_difference: f64,
    /// Largest |logit| of the trained network (1 for probabilities).
    pub max_value: f64,
    /// Photos on which both rank the same class first.
    pub agreement: Proportion,
    /// Accuracy of the file in this runtime.
    pub accuracy: Proportion,
    /// How it tells unknown photos, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownParity>,
}

/// A file's unknown scores, compared with the trained network's on the same photos.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownParity {
    /// Largest |difference| of scores, divided by the network's score.
    pub relative_difference: f64,
    /// Photos that both refuse or both accept.
    pub agreement: Proportion,
    /// Photos that the file refuses.
    pub refused: Proportion,
}

impl RuntimeParity {
    /// Returns the largest difference divided by the largest logit.
    pub fn relative_difference(&self) -> f64 {
        self.max_difference / self.max_value.max(f64::MIN_POSITIVE)
    }
}

/// Proofs by file name.
type Proofs = BTreeMap<String, Parity>;

const FILE_NAME: &str = "parity.json";

/// Reads the proofs of a folder. Returns none when there is no `parity.json`.
///
/// # Errors
///
/// [`ExportError::Proofs`] when the file is damaged.
pub fn read(folder: &Path) -> Result<Proofs> {
    let path = folder.join(FILE_NAME);
    if !path.exists() {
        return Ok(Proofs::new());
    }
    serde_json::from_str(&files::read_text(&path)?)
        .map_err(|error| ExportError::Proofs { path, reason: error.to_string() })
}

/// Adds a file's proof to those of its folder. Returns the older proof that it replaces.
///
/// # Errors
///
/// Those of [`read`]; [`CoreError::Io`].
pub fn add(folder: &Path, file_name: &str, parity: &Parity) -> Result<Option<Parity>> {
    // Read again: another export may have finished meanwhile.
    let mut proofs = read(folder)?;
    let older = proofs.insert(file_name.into(), parity.clone());
    files::write_json(&folder.join(FILE_NAME), &proofs)?;
    Ok(older)
}
