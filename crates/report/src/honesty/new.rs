//! How a check is made.

use super::check::{Check, CheckKind, Level};
use crate::words::Words;

/// Returns a check with its name in the language of `words`.
pub fn check(words: Words, kind: CheckKind, level: Level, text: String) -> Check {
    Check { kind, title: words.check_title(kind), level, text }
}
