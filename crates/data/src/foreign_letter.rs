//! Letters of another alphabet that look like the right ones.

use kennel_core::composed;
use unicode_script::UnicodeScript;
use unicode_security::confusable_detection::skeleton;

/// Returns the first letter of `typed` that comes from another alphabet than the same letter of
/// `meant` and looks like it: the Greek omicron of `m\u{3bf}del` (Unicode's skeletons, UTS 39).
/// Ignores characters of one alphabet that look alike, and signs that are not letters, such as `l`
/// and `1`.
pub(crate) fn foreign_letter(typed: &str, meant: &str) -> Option<char> {
    let (typed, meant) = (composed(typed), composed(meant));
    if typed == meant || !skeleton(&typed).eq(skeleton(&meant)) {
        return None;
    }
    let pairs = typed.chars().zip(meant.chars());
    let differing: Vec<(char, char)> = pairs.filter(|(a, b)| a != b).collect();
    let is_lent =
        |(a, b): &(char, char)| a.script() != b.script() && a.is_alphabetic() && b.is_alphabetic();
    differing.into_iter().find(is_lent).map(|(a, _)| a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_other_alphabets_are_found() {
        // A Greek omicron, a Cyrillic o, and an accented Latin o among Greek letters.
        assert_eq!(foreign_letter("m\u{3bf}del", "model"), Some('\u{3bf}'));
        assert_eq!(foreign_letter("m\u{43e}del", "model"), Some('\u{43e}'));
        assert_eq!(foreign_letter("μπ\u{f3}ξερ", "μπ\u{3cc}ξερ"), Some('\u{f3}'));
        for (a, b) in [
            ("model", "model"),
            ("model", "modem"),
            ("l", "1"),
            ("rn", "m"),
            ("cafe\u{301}", "caf\u{e9}"),
        ] {
            assert_eq!(foreign_letter(a, b), None, "{a} {b}");
        }
    }
}
