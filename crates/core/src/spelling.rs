//! Letters that Unicode spells in two ways, and letters that look like others.

use unicode_normalization::UnicodeNormalization;
use unicode_script::UnicodeScript;
use unicode_security::confusable_detection::skeleton;

/// `text` in Unicode's composed form (NFC), in which classes are named. A Mac gives folders the other: `ö` as `o` and two dots.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// `text` without what capitals and spaces at its ends add, in every alphabet; with one `i`, of which Turkish has two whose capitals are
/// `İ` and `I`.
pub fn caseless(text: &str) -> String {
    composed(&text.trim().to_lowercase()).replace("i\u{307}", "i").replace('ı', "i")
}

/// The first letter of `typed` that another alphabet has lent it, where it looks like `meant` and is not: the Greek omicron of `m\u{3bf}del`
/// (Unicode's skeletons, UTS 39). That `l` looks like `1` is not meant.
pub fn foreign_letter(typed: &str, meant: &str) -> Option<char> {
    let (typed, meant) = (composed(typed), composed(meant));
    if typed == meant || !skeleton(&typed).eq(skeleton(&meant)) {
        return None;
    }
    let pairs = typed.chars().zip(meant.chars());
    let differing: Vec<(char, char)> = pairs.filter(|(a, b)| a != b).collect();
    let is_lent = |(a, b): &(char, char)| a.script() != b.script() && a.is_alphabetic() && b.is_alphabetic();
    differing.into_iter().find(is_lent).map(|(a, _)| a)
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

    #[test]
    fn letters_of_other_alphabets_are_found() {
        // A Greek omicron, a Cyrillic o, and an accented Latin o among Greek letters.
        assert_eq!(foreign_letter("m\u{3bf}del", "model"), Some('\u{3bf}'));
        assert_eq!(foreign_letter("m\u{43e}del", "model"), Some('\u{43e}'));
        assert_eq!(foreign_letter("μπ\u{f3}ξερ", "μπ\u{3cc}ξερ"), Some('\u{f3}'));
        for (a, b) in
            [("model", "model"), ("model", "modem"), ("l", "1"), ("rn", "m"), ("cafe\u{301}", "caf\u{e9}")]
        {
            assert_eq!(foreign_letter(a, b), None, "{a} {b}");
        }
    }
}
