//! Names that read from right to left, in text that does not.

use unicode_bidi::{BidiClass, bidi_class};

/// The mark that counts as a letter from left to right and is not seen (U+200E).
const MARK: char = '\u{200e}';

/// A name as [`shown`](crate::shown) has it, such that numbers and signs beside it stay where they were written, whatever direction its
/// letters have: between two marks where one of them reads from right to left. The marks take no columns.
pub fn kept_in_place(text: &str) -> String {
    let text = crate::shown(text);
    let is_turned = |c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::AN);
    match text.chars().any(is_turned) {
        true => format!("{MARK}{text}{MARK}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use unicode_bidi::BidiInfo;

    use super::*;

    /// As a viewer shows a line that begins with no direction given.
    fn shown(line: &str) -> String {
        let info = BidiInfo::new(line, None);
        let paragraph = &info.paragraphs[0];
        info.reorder_line(paragraph, paragraph.range.clone()).replace(MARK, "")
    }

    #[test]
    fn numbers_stay_behind_the_name_that_they_belong_to() {
        let name = "\u{628}\u{648}\u{62f}\u{644}";
        let backwards: String = name.chars().rev().collect();
        assert_eq!(shown(&format!("{} 42  9 %", kept_in_place(name))), format!("{backwards} 42  9 %"));
        assert_ne!(shown(&format!("{name} 42  9 %")), format!("{backwards} 42  9 %"));
        assert_eq!(kept_in_place("пудель"), "пудель");
        // An override turns even what has a direction of its own.
        assert_eq!(shown(&format!("{} 42", kept_in_place("\u{202e}abc"))), "\u{fffd}abc 42");
    }
}
