//! One check of a report.

use serde::Serialize;

use crate::words::Words;

/// How much the outcome of a check weakens the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Not at all.
    Fine,
    /// A reader must know the outcome.
    Note,
    /// The numbers mislead.
    Warning,
}

/// What is checked, in the order of a page's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Whether the pretrained networks may have seen the test photos.
    Overlap,
    /// Whether copies of a picture are in several splits.
    Duplicates,
    /// Whether test photos are copies of each other.
    TestCopies,
    /// Whether copies of a picture have several labels.
    Labels,
    /// What the networks can do without training.
    Baseline,
    /// Whether there are enough test photos to tell the best runs apart.
    Power,
    /// How each training went.
    Training,
    /// Whether probabilities are right as often as they say.
    Calibration,
    /// Whether the photos are in their place.
    Pictures,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// Its name.
    pub title: &'static str,
    /// How serious it is.
    pub level: Level,
    /// The result and what it means.
    pub text: String,
}

impl Check {
    /// Returns a check with its name in the language of `words`.
    pub(super) fn new(words: Words, kind: CheckKind, level: Level, text: String) -> Self {
        Check { kind, title: words.check_title(kind), level, text }
    }
}
