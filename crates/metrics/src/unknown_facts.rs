//! How many photos a run calls unknown.

use serde::{Deserialize, Serialize};

use crate::Proportion;

/// Facts about what tells unknown photos, beside its tensors in `unknown.safetensors`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownFacts {
    /// Share of known photos that may be refused, in (0, 1).
    pub share: f64,
    /// A photo with a higher score is unknown.
    pub threshold: f64,
    /// Validation photos that are refused. The threshold was chosen on them.
    pub val: Proportion,
    /// Test photos that are refused, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Proportion>,
    /// Of each class, in their order, validation photos that are refused when what tells unknown
    /// photos is fitted without it. Empty where that was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutClass>,
}

/// A class whose photos stand in for unknown ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutClass {
    /// Its name.
    pub name: String,
    /// Its validation photos that are refused.
    pub refused: Proportion,
}

impl UnknownFacts {
    /// Key of the facts in the safetensors header.
    pub const KEY: &'static str = "kennel";

    /// What the names of the tensors begin with that belong to the network whose features tell,
    /// where that is not the run's own.
    pub const TRUNK: &'static str = "trunk.";
}
