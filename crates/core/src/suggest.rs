//! "Did you mean": the nearest known name to a mistyped one.

use crate::caseless;

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
    did_you_mean(typed, known).map_or_else(String::new, |name| format!("\nhint: did you mean `{name}`?"))
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
    }
}
