//! Letters that Unicode spells in several ways.

use unicode_normalization::UnicodeNormalization;

/// Returns `text` in Unicode's composed form (NFC), the form of class names. macOS may give folder
/// names in the other form: `ö` as `o` and two dots.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// Returns `text` in lower case, in any alphabet, without spaces at its ends. All forms of `i`
/// become one: Turkish has two, with the capitals `İ` and `I`.
pub fn caseless(text: &str) -> String {
    composed(&text.trim().to_lowercase()).replace("i\u{307}", "i").replace('ı', "i")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_do_not_count_in_turkish_either() {
        for (a, b) in [
            ("İngiliz", "ingiliz"),
            ("KIZIL", "kızıl"),
            ("ŞIK ", "şık"),
            ("I\u{307}ri", "iri"),
            ("BOXER", "boxer"),
        ] {
            assert_eq!(caseless(a), caseless(b), "{a} {b}");
        }
        assert_ne!(caseless("kedi"), caseless("kadı"));
    }
}
