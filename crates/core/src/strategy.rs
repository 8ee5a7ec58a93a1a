//! Which layers training may change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;

/// Which part of a pretrained network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The head only.
    Freeze,
    /// The head and the last stages.
    Partial,
    /// All layers.
    Full,
    /// None: the unchanged ImageNet head is evaluated. Not a way to train, so not in
    /// [`Strategy::ALL`].
    #[serde(rename = "zero_shot")]
    ZeroShot,
}

impl Strategy {
    /// Every way to train, from the fewest trained layers to the most.
    pub const ALL: [Strategy; 3] = [Strategy::Freeze, Strategy::Partial, Strategy::Full];

    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Freeze => "freeze",
            Strategy::Partial => "partial",
            Strategy::Full => "full",
            Strategy::ZeroShot => "zero_shot",
        }
    }

    /// Returns the published learning rate.
    pub const fn learning_rate(self) -> f64 {
        match self {
            Strategy::Freeze => 1e-3,
            Strategy::Partial => 1e-4,
            Strategy::Full => 1e-5,
            Strategy::ZeroShot => 0.0,
        }
    }

    /// Returns the published number of epochs.
    pub const fn epochs(self) -> usize {
        match self {
            Strategy::Freeze | Strategy::Partial => 15,
            Strategy::Full => 20,
            Strategy::ZeroShot => 0,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        Strategy::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(|| {
            CoreError::UnknownWord {
                what: "strategy",
                found: text.into(),
                expected: "freeze, partial, full".into(),
                nearest: crate::did_you_mean(text, Strategy::ALL.map(|s| s.as_str())).map(String::from),
            }
        })
    }
}
