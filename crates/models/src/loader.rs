//! Loads a file's tensors into a network and lists what happened to each.

use std::path::Path;

use crate::state_dict::apply_state_dict;
use crate::{Checkpoint, ModelError, Network, Result, StateDict, is_under, state_dict};

/// What happened to every tensor of a file and of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Loaded from the file.
    pub applied: Vec<String>,
    /// In the network but not in the file.
    pub missing: Vec<String>,
    /// In the file but not in the network.
    pub unused: Vec<String>,
    /// In both, with different shapes.
    pub mismatched: Vec<Mismatch>,
    /// Tensors of the classifier that must be drawn anew: the number of classes differs, or the
    /// file has no classifier.
    pub replaced_head: Vec<String>,
}

/// A tensor whose shape differs from the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the tensor.
    pub name: String,
    /// Shape in the file.
    pub found: Vec<usize>,
    /// Shape in the network.
    pub expected: Vec<usize>,
}

/// How strict loading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadOptions {
    /// Every tensor must match.
    Exact,
    /// The classifier may be missing or have another number of classes; then it is not loaded.
    NewHead,
}

/// Loads `checkpoint` into `network`.
///
/// # Errors
///
/// [`ModelError::NoHead`] when only the classifier is missing. [`ModelError::DoesNotFit`] when a
/// tensor is missing, unused or has another shape; it names the first few of each.
pub fn load(
    network: Network,
    checkpoint: &Checkpoint,
    options: LoadOptions,
    model: &str,
    path: &Path,
) -> Result<(Network, Ledger)> {
    let expected = state_dict(&network);
    let head = network.head();
    let has_head = checkpoint.tensors.keys().any(|name| is_under(name, head));
    let mut ledger = Ledger::default();
    let mut taken = StateDict::new();
    for (name, value) in &expected {
        match checkpoint.tensors.get(name) {
            None if options == LoadOptions::NewHead && !has_head && is_under(name, head) => {
                ledger.replaced_head.push(name.clone());
            }
            None => ledger.missing.push(name.clone()),
            Some(found) if found.shape == value.shape => {
                taken.insert(name.clone(), found.clone());
                ledger.applied.push(name.clone());
            }
            Some(found)
                if options == LoadOptions::NewHead && is_other_head(name, head, found, value) =>
            {
                ledger.replaced_head.push(name.clone());
            }
            Some(found) => ledger.mismatched.push(Mismatch {
                name: name.clone(),
                found: found.shape.clone(),
                expected: value.shape.clone(),
            }),
        }
    }
    ledger.unused =
        checkpoint.tensors.keys().filter(|name| !expected.contains_key(*name)).cloned().collect();
    let is_trunk = !has_head && ledger.missing.iter().all(|name| is_under(name, head));
    if is_trunk
        && !ledger.missing.is_empty()
        && ledger.mismatched.is_empty()
        && ledger.unused.is_empty()
    {
        return Err(ModelError::NoHead {
            path: path.into(),
            model: model.into(),
            head: head.into(),
        });
    }
    let problems = ledger.problems();
    if !problems.is_empty() {
        return Err(ModelError::DoesNotFit {
            path: path.into(),
            model: model.into(),
            details: problems.join("\n"),
        });
    }
    Ok((apply_state_dict(network, &taken), ledger))
}

/// Whether `found` is a classifier over the same features with another number of classes.
fn is_other_head(
    name: &str,
    head: &str,
    found: &crate::TensorValue,
    expected: &crate::TensorValue,
) -> bool {
    is_under(name, head)
        && found.shape.len() == expected.shape.len()
        && found.shape[1..] == expected.shape[1..]
}

impl Ledger {
    /// Lists the problems, one a line: the first few of each kind and how many more there are.
    fn problems(&self) -> Vec<String> {
        const SHOWN: usize = 5;
        let mut lines = Vec::new();
        let mut list = |all: Vec<String>| {
            let more = all.len().saturating_sub(SHOWN);
            lines.extend(all.into_iter().take(SHOWN));
            if more > 0 {
                lines.push(format!("  ... and {more} more"));
            }
        };
        list(
            self.mismatched
                .iter()
                .map(|m| {
                    format!(
                        "  tensor `{}` has shape {:?}, expected {:?}",
                        m.name, m.found, m.expected
                    )
                })
                .collect(),
        );
        list(self.missing.iter().map(|name| format!("  tensor `{name}` is missing")).collect());
        list(self.unused.iter().map(|name| format!("  tensor `{name}` is left over")).collect());
        lines
    }
}
