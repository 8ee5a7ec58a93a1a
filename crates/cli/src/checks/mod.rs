//! The checks of `kennel doctor`. Each is a line of [`CHECKS`] and a function that never fails: it
//! may find a problem instead.

mod found;
mod machine;
mod places;
mod runtimes;
mod surroundings;
#[cfg_attr(target_os = "linux", path = "system/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "system/elsewhere.rs")]
mod system;

use clap::Command;
use serde::Serialize;

pub use self::found::{Found, State};
pub use self::machine::build;
pub use self::runtimes::compute;
use crate::session::Session;

/// A check, given the program's flags.
type Look = fn(&Command, &Session) -> Found;

/// All checks, in the order of the output.
const CHECKS: &[(&str, Look)] = &[
    ("kennel", |_, _| Found::ok(build())),
    ("system", |_, _| machine::name_of_system()),
    ("processor", |_, _| machine::processor()),
    ("threads", |_, _| machine::threads()),
    ("memory", |_, _| machine::memory()),
    ("devices", |_, _| runtimes::devices()),
    ("onnxruntime", |_, _| runtimes::onnx_runtime()),
    ("folder", |_, _| places::working_folder()),
    ("disk", |_, _| places::disk()),
    ("features", |_, _| places::feature_cache()),
    ("weights", |_, _| places::weights()),
    ("network", |_, session| surroundings::network(session)),
    ("variables", |program, _| surroundings::variables(program)),
    ("terminal", |_, _| surroundings::terminal()),
];

/// A check with its result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Name of the check.
    pub name: &'static str,
    /// Its result.
    #[serde(flatten)]
    pub found: Found,
}

/// Runs all checks. `program` is the command line with all its flags.
pub fn check_all(program: &Command, session: &Session) -> Vec<Check> {
    CHECKS.iter().map(|(name, look)| Check { name, found: look(program, session) }).collect()
}
