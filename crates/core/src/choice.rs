//! Finds a choice by its name.

use crate::{CoreError, did_you_mean};

/// Returns the choice that is called `found`.
///
/// # Errors
///
/// [`CoreError::UnknownWord`], which lists the choices.
pub fn choose<T, const N: usize>(
    what: &'static str,
    found: &str,
    choices: [(&'static str, T); N],
) -> Result<T, CoreError> {
    let names = choices.each_ref().map(|(name, _)| *name);
    choices.into_iter().find(|(name, _)| *name == found).map(|(_, choice)| choice).ok_or_else(
        || CoreError::UnknownWord {
            what,
            found: found.into(),
            expected: names.join(", "),
            nearest: did_you_mean(found, names).map(String::from),
        },
    )
}
