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
}

impl UnknownPhotos {
    /// Adds up the classes.
    pub fn new(facts: &UnknownFacts) -> Self {
        let sum = |of: fn(&Proportion) -> usize| -> usize {
            facts.left_out.iter().map(|class| of(&class.refused)).sum()
        };
        let n = sum(|refused| refused.n);
        UnknownPhotos {
            left_out_total: (n > 0).then(|| Proportion::new(sum(|refused| refused.correct), n)),
            facts: facts.clone(),
        }
    }
}

/// Reads the facts in `unknown.safetensors`, and none of its tensors. Returns `None` when the run
/// has no such file.
///
/// # Errors
///
/// A file that is damaged.
pub fn read_unknown_facts(run: &RunDir) -> Result<Option<UnknownFacts>> {
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
    let mut counts = facts.left_out.iter().map(|class| &class.refused).chain([&facts.val]);
    let is_count = |counted: &Proportion| counted.n > 0 && counted.correct <= counted.n;
    if !facts.test.as_ref().is_none_or(is_count) || !counts.all(is_count) {
        return Err(malformed("it counts more photos than there are".into()).into());
    }
    Ok(Some(facts))
}
