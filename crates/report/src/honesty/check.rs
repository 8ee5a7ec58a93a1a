//! One check of a report.

use serde::Serialize;

/// How much the outcome of a check weakens the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Not at all.
    Fine,
    /// A reader must know the outcome.
    Note,
    /// The numbers mislead.
    Warning,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub title: &'static str,
    /// How serious it is.
    pub level: Level,
    /// The result and what it means.
    pub text: String,
}
