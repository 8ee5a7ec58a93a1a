//! `parity.json`: what the proofs of the files beside it came to.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::{CoreError, files};
use kennel_metrics::Proportion;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The proof of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// SHA-256 of the file.
    pub sha256: String,
    /// That of its weights, where they lie apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Its size; with weights apart, that of both files.
    pub size_bytes: u64,
    /// `float32`, `float16` or `int8`.
    pub precision: String,
    /// `pixels` or `photo`.
    pub input: String,
    /// The run.
    pub run: String,
    /// Validation photos that it was run on.
    pub photos: usize,
    /// Of the trained network on them.
    pub network_accuracy: Proportion,
    /// What each runtime made of the file.
    pub runtimes: Vec<RuntimeParity>,
    /// Runtimes that could not run it, and why.
    pub not_run: BTreeMap<String, String>,
}

/// What a runtime made of a file, beside the trained network on the same photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeParity {
    /// `rten` or `onnxruntime`.
    pub runtime: String,
    /// Largest |difference| of logits (of probabilities where photos go in).
    pub max_difference: f64,
    /// Largest |logit| of the trained network (1 for probabilities).
    pub max_value: f64,
    /// Photos on which both name the same class first.
    pub agreement: Proportion,
    /// Of the file in this runtime.
    pub accuracy: Proportion,
}

impl RuntimeParity {
    /// The largest difference over the largest logit.
    pub fn relative_difference(&self) -> f64 {
        self.max_difference / self.max_value.max(f64::MIN_POSITIVE)
    }
}

/// Files by name, each with its proof.
type Proofs = BTreeMap<String, Parity>;

/// Its file name.
const FILE_NAME: &str = "parity.json";

/// Reads the proofs of a folder; none where there is no file.
///
/// # Errors
///
/// [`CoreError::Malformed`] when it is damaged.
pub fn read(folder: &Path) -> Result<Proofs> {
    let path = folder.join(FILE_NAME);
    if !path.exists() {
        return Ok(Proofs::new());
    }
    Ok(serde_json::from_str(&files::read_text(&path)?).map_err(|error| CoreError::Malformed {
        path,
        what: "list of proofs",
        reason: format!("{error}\nhint: move it away; it is written anew"),
    })?)
}

/// Adds a file's proof to those of its folder, in place of an older one, which is returned.
///
/// # Errors
///
/// Those of [`read`]; [`CoreError::Io`].
pub fn add(folder: &Path, file_name: &str, parity: &Parity) -> Result<Option<Parity>> {
    // Read again: another export may have ended meanwhile.
    let mut proofs = read(folder)?;
    let older = proofs.insert(file_name.into(), parity.clone());
    files::write_json(&folder.join(FILE_NAME), &proofs)?;
    Ok(older)
}
