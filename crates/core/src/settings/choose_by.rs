//! The number on the validation photos that chooses the epoch.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// The number on the validation photos that decides the best epoch and early stopping; Keras's
/// `monitor`. The other number breaks ties, then the earlier epoch wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChooseBy {
    /// The highest accuracy.
    #[default]
    Accuracy,
    /// The lowest loss. It tells apart epochs with the same number of right photos, which on small
    /// sets are many.
    Loss,
}

impl ChooseBy {
    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChooseBy::Accuracy => "accuracy",
            ChooseBy::Loss => "loss",
        }
    }

    /// Whether it is the default, which files leave out.
    pub(super) fn is_default(&self) -> bool {
        *self == ChooseBy::default()
    }
}

impl fmt::Display for ChooseBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ChooseBy {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose(
            "choose_by",
            text,
            [ChooseBy::Accuracy, ChooseBy::Loss].map(|number| (number.as_str(), number)),
        )
    }
}
