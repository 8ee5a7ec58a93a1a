//! "Did you mean": finds the known name closest to a mistyped one.

use crate::caseless;

/// Returns the known name closest to `typed`, if it is close enough to be a typing error.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = caseless(typed);
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, &caseless(name)), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
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
