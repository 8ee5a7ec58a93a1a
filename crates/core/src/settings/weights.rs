//! Where a network's first weights come from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The weights that a network starts from. Files and flags write it as one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Weights {
    /// Random weights: `none`.
    Random,
    /// Pretrained weights: timm's `arch.tag`, or the path of a file or folder. Which of the two it
    /// is depends on the files of this machine.
    Pretrained(String),
}

impl Weights {
    /// Returns the text of files and flags.
    pub fn as_str(&self) -> &str {
        match self {
            Weights::Random => "none",
            Weights::Pretrained(name) => name,
        }
    }

    /// Returns the name or path of pretrained weights.
    pub fn pretrained(&self) -> Option<&str> {
        match self {
            Weights::Random => None,
            Weights::Pretrained(name) => Some(name),
        }
    }
}

impl From<&str> for Weights {
    fn from(text: &str) -> Self {
        match text == Weights::Random.as_str() {
            true => Weights::Random,
            false => Weights::Pretrained(text.into()),
        }
    }
}

impl From<String> for Weights {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Weights> for String {
    fn from(weights: Weights) -> Self {
        weights.as_str().into()
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
