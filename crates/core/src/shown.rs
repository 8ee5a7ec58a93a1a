//! Makes untrusted text safe to print: names of files and classes, contents of damaged files,
//! answers of servers.
//!
//! Such text may hold terminal commands, line breaks that imitate Kennel's own messages, characters
//! that reverse the text after them, or a megabyte of anything. Files for programs (JSON, TOML,
//! predictions) keep the text unchanged.

use std::ffi::OsStr;

/// Longest name or path, in characters.
const MAX_NAME: usize = 1_000;
/// Longest line of a message, in characters.
const MAX_LINE: usize = 2_000;
/// Longest message, in characters.
const MAX_MESSAGE: usize = 50_000;

/// Returns a name or path as one line that is safe to print:
///
/// - control characters become escapes as in Rust (`\n`, `\u{1b}`);
/// - characters that change the direction of text (U+202A to U+202E, U+2066 to U+2069) and bytes
///   that are not UTF-8 become replacement marks;
/// - an ellipsis follows after 1,000 characters.
pub fn shown(name: impl AsRef<OsStr>) -> String {
    cut(&escaped(&name.as_ref().to_string_lossy(), |_| false), MAX_NAME)
}

/// Returns a whole message, safe to print whatever it quotes. As [`shown`], but keeps line breaks
/// and tabs; an ellipsis follows after 2,000 characters of a line and 50,000 of the message.
pub fn shown_message(text: &str) -> String {
    let lines: Vec<String> =
        escaped_lines(text).split('\n').map(|line| cut(line, MAX_LINE)).collect();
    cut(&lines.join("\n"), MAX_MESSAGE)
}

/// Returns a text of any length, such as a table, safe to print. As [`shown_message`], without the
/// limits.
pub fn escaped_lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push(char::REPLACEMENT_CHARACTER)
            }
            // Some programs also break lines at these two.
            '\u{2028}' | '\u{2029}' => escaped.extend(c.escape_unicode()),
            c if c.is_control() && !stays(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_name_is_one_line_that_commands_nobody() {
        for (name, expected) in [
            ("пудель 1.jpg", "пудель 1.jpg"),
            ("a\nhint: b", "a\\nhint: b"),
            ("\u{1b}]0;title\u{7}\u{1b}[2J", "\\u{1b}]0;title\\u{7}\\u{1b}[2J"),
            ("a\tb\rc\u{7f}\u{9b}31m", "a\\tb\\rc\\u{7f}\\u{9b}31m"),
            ("\u{202e}gpj.exe\u{2066}", "\u{fffd}gpj.exe\u{fffd}"),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(shown(name), expected);
            assert_eq!(shown(shown(name)), expected, "twice is as once");
        }
        assert_eq!(
            shown(Path::new("photos").join("a\nb")),
            "photos/a\\nb".replace('/', std::path::MAIN_SEPARATOR_STR)
        );
        assert_eq!(shown("é".repeat(1_000)).chars().count(), 1_000);
        assert_eq!(shown("é".repeat(1_000_000)), format!("{}…", "é".repeat(1_000)));
    }

    #[test]
    fn a_message_keeps_its_lines_and_ends_somewhere() {
        let message = "a is damaged: \u{1b}[31m\nhint: look\tthere";
        assert_eq!(shown_message(message), "a is damaged: \\u{1b}[31m\nhint: look\tthere");
        let long = shown_message(&format!("{}\nhint: b", "x".repeat(1 << 20)));
        assert_eq!(long, format!("{}…\nhint: b", "x".repeat(2_000)));
        assert_eq!(shown_message(&"x\n".repeat(1 << 20)).chars().count(), 50_001);
        let table = "wide\n".repeat(100_000);
        assert_eq!(escaped_lines(&table), table);
    }
}
