//! Letters that Unicode spells in two ways.

use unicode_normalization::UnicodeNormalization;

/// `text` in Unicode's composed form (NFC), in which classes are named. A Mac gives folders the other: `ö` as `o` and two dots.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}
