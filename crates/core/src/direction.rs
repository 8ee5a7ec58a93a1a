//! Names in right-to-left scripts within left-to-right text.

use unicode_bidi::{BidiClass, bidi_class};

/// Left-to-right mark (U+200E): invisible, and counts as a left-to-right letter.
const MARK: char = '\u{200e}';

/// Returns a name as [`shown`](crate::shown) does, such that numbers and signs beside it keep their
/// place. A name with right-to-left characters is put between two marks, which take no columns.
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

    /// Orders a line as a viewer does that is given no base direction.
    fn shown(line: &str) -> String {
        let info = BidiInfo::new(line, None);
        let paragraph = &info.paragraphs[0];
        info.reorder_line(paragraph, paragraph.range.clone()).replace(MARK, "")
    }

    #[test]
    fn numbers_stay_behind_the_name_that_they_belong_to() {
        let name = "\u{628}\u{648}\u{62f}\u{644}";
        let backwards: String = name.chars().rev().collect();
        assert_eq!(
            shown(&format!("{} 42  9 %", kept_in_place(name))),
            format!("{backwards} 42  9 %")
        );
        assert_ne!(shown(&format!("{name} 42  9 %")), format!("{backwards} 42  9 %"));
        assert_eq!(kept_in_place("пудель"), "пудель");
        // Control characters that override the direction are replaced, too.
        assert_eq!(shown(&format!("{} 42", kept_in_place("\u{202e}abc"))), "\u{fffd}abc 42");
    }
}
