//! What `kennel doctor` looks at: each check is a line of [`CHECKS`] and a function that cannot fail, but find a problem.

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

type Look = fn() -> Found;

/// Every check, in the order in which they are said.
const CHECKS: &[(&str, Look)] = &[
    ("kennel", || Found::ok(build())),
    ("system", machine::name_of_system),
    ("processor", machine::processor),
    ("threads", machine::threads),
    ("memory", machine::memory),
    ("devices", runtimes::devices),
    ("onnxruntime", runtimes::onnx_runtime),
    ("folder", places::working_folder),
    ("disk", places::disk),
    ("features", places::feature_cache),
    ("weights", places::weights),
    ("network", surroundings::network),
    ("variables", surroundings::variables),
    ("terminal", surroundings::terminal),
];

/// What a look at one thing came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// What to make of it.
    pub state: State,
    /// What was seen.
    pub text: String,
    /// The way out, or further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is there and works.
    Ok,
    /// It is not there, and need not be.
    None,
    /// Something will fail of it.
    Problem,
}

/// A check and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
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

/// Looks at everything.
pub fn check_all() -> Vec<Check> {
    CHECKS.iter().map(|(name, look)| Check { name, found: look() }).collect()
}
