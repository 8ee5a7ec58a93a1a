//! The checks of `kennel doctor`. Each is a line of [`CHECKS`] and a function that never fails: it
//! may find a problem instead.

mod machine;
mod places;
mod runtimes;
mod surroundings;
#[cfg_attr(target_os = "linux", path = "system/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "system/elsewhere.rs")]
mod system;

use serde::Serialize;

pub use self::machine::build;
pub use self::runtimes::compute;
use crate::session::Session;

type Look = fn(&Session) -> Found;

/// All checks, in the order of the output.
const CHECKS: &[(&str, Look)] = &[
    ("kennel", |_| Found::ok(build())),
    ("system", |_| machine::name_of_system()),
    ("processor", |_| machine::processor()),
    ("threads", |_| machine::threads()),
    ("memory", |_| machine::memory()),
    ("devices", |_| runtimes::devices()),
    ("onnxruntime", |_| runtimes::onnx_runtime()),
    ("folder", |_| places::working_folder()),
    ("disk", |_| places::disk()),
    ("features", |_| places::feature_cache()),
    ("weights", |_| places::weights()),
    ("network", surroundings::network),
    ("variables", |_| surroundings::variables()),
    ("terminal", |_| surroundings::terminal()),
];

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

/// A check with its result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Name of the check.
    pub name: &'static str,
    /// Its result.
    #[serde(flatten)]
    pub found: Found,
}

impl Found {
    fn ok(text: impl Into<String>) -> Self {
        Found { state: State::Ok, text: text.into(), hint: None }
    }

    fn none(text: impl Into<String>) -> Self {
        Found { state: State::None, ..Found::ok(text) }
    }

    fn problem(text: impl Into<String>) -> Self {
        Found { state: State::Problem, ..Found::ok(text) }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Found { hint: Some(hint.into()), ..self }
    }
}

/// Runs all checks.
pub fn check_all(session: &Session) -> Vec<Check> {
    CHECKS.iter().map(|(name, look)| Check { name, found: look(session) }).collect()
}
