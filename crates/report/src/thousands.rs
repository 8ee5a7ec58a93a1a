//! Whole numbers in groups of three digits.

/// Formats `2_230_277` as `2 230 277`, with narrow no-break spaces.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (number, text) in
            [(0, "0"), (999, "999"), (6405, "6\u{202f}405"), (2_230_277, "2\u{202f}230\u{202f}277")]
        {
            assert_eq!(thousands(number), text);
        }
    }
}
