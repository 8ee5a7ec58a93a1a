//! Whether a run tells photos of none of its classes.

use kennel_core::{CoreError, RunDir};
use kennel_metrics::{Proportion, UnknownFacts};
use safetensors::SafeTensors;
use serde::Serialize;

use crate::Result;

/// How many photos a run calls unknown.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownPhotos {
    /// As the run keeps it.
    #[serde(flatten)]
    pub facts: UnknownFacts,
    /// Photos that are refused when their class is left out, of all classes together; `None` if
    /// that was not measured.
    pub left_out_total: Option<Proportion>,
    /// Whether it tells them by the network before training, which does not know the classes.
    pub is_of_start: bool,
}

/// Reads the facts in `unknown.safetensors`, and no tensor. Returns `None` when the run has no such
/// file.
///
/// # Errors
///
/// A file that is damaged.
pub fn read_unknown_photos(run: &RunDir) -> Result<Option<UnknownPhotos>> {
    let path = run.unknown();
    if !path.exists() {
        return Ok(None);
    }
    let malformed = |reason: String| CoreError::Malformed {
        path: path.clone(),
        what: "description of known photos",
        reason,
    };
    let bytes = run.read_file(&path)?;
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| malformed(error.to_string()))?;
    let facts = header.metadata().as_ref().and_then(|metadata| metadata.get(UnknownFacts::KEY));
    let facts: UnknownFacts = serde_json::from_str(facts.map_or("", String::as_str))
        .map_err(|error| malformed(error.to_string()))?;
    let refused: Vec<&Proportion> = facts.left_out.iter().map(|class| &class.refused).collect();
    let is_count = |counted: &Proportion| counted.n > 0 && counted.correct <= counted.n;
    if !refused.iter().copied().chain([&facts.val]).chain(&facts.test).all(is_count) {
        return Err(malformed("it counts more photos than there are".into()).into());
    }
    let sum = |of: fn(&Proportion) -> usize| refused.iter().map(|refused| of(refused)).sum();
    let (correct, n) = (sum(|refused| refused.correct), sum(|refused| refused.n));
    Ok(Some(UnknownPhotos {
        left_out_total: (n > 0).then(|| Proportion::new(correct, n)),
        is_of_start: header.tensors().keys().any(|name| name.starts_with(UnknownFacts::TRUNK)),
        facts,
    }))
}
