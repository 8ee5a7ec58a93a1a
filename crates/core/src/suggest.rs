//! "Did you mean": the nearest known name to a mistyped one.

use crate::{caseless, foreign_letter};

/// The known name nearest to `typed`, if any is near enough to be a slip of the keyboard.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = caseless(typed);
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, &caseless(name)), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The same as a line of its own to end an error message with, or nothing.
pub fn hint_did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let Some(name) = did_you_mean(typed, known) else { return String::new() };
    let letter = foreign_letter(typed, name)
        .map(|letter| format!(" It has no `{letter}`, which is a letter of another alphabet."));
    format!("\nhint: did you mean `{name}`?{}", letter.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_nonsense_is_not() {
        let known = ["resnet18", "resnet50", "efficientnet_b0"];
        assert_eq!(did_you_mean("resnet5O", known), Some("resnet50"));
        assert_eq!(did_you_mean("EfficientNet-B0", known), Some("efficientnet_b0"));
        assert_eq!(did_you_mean("zebra", known), None);
        // A Greek omicron.
        let hint = hint_did_you_mean("efficientnet_bο", ["efficientnet_bo"]);
        assert!(hint.contains("It has no `ο`"), "{hint}");
        assert!(!hint_did_you_mean("resnet5O", known).contains("alphabet"));
    }
}
