//! What a check found.

use serde::Serialize;

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Whether it is a problem.
    pub state: State,
    /// Description of what was found.
    pub text: String,
    /// How to solve the problem, or what else is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Whether something works, is absent or is a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It exists and works.
    Ok,
    /// It is absent, and that is fine.
    None,
    /// Something will fail because of it.
    Problem,
}

impl Found {
    pub fn ok(text: impl Into<String>) -> Self {
        Found { state: State::Ok, text: text.into(), hint: None }
    }

    pub fn none(text: impl Into<String>) -> Self {
        Found { state: State::None, ..Found::ok(text) }
    }

    pub fn problem(text: impl Into<String>) -> Self {
        Found { state: State::Problem, ..Found::ok(text) }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Found { hint: Some(hint.into()), ..self }
    }
}
