//! The three splits of a data set.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;

/// The split that a photo belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Photos that the network is trained on.
    Train,
    /// Photos that select the best epoch and guide every other choice.
    Val,
    /// Photos that are evaluated once, with the selected epoch.
    Test,
}

impl Split {
    /// All splits, in the order of use.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// Returns the name of its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Split {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        Split::ALL.into_iter().find(|split| split.as_str() == text).ok_or_else(|| CoreError::UnknownWord {
            what: "split",
            found: text.into(),
            expected: "train, val, test".into(),
            nearest: crate::did_you_mean(text, Split::ALL.map(Split::as_str)).map(String::from),
        })
    }
}
