//! Values of environment variables.

use std::ffi::OsString;

/// Returns the text of a variable without the space around it. An empty one counts as unset.
pub fn text(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<String> {
    let value = variable(name)?.into_string().ok()?;
    Some(value.trim().to_string()).filter(|value| !value.is_empty())
}
