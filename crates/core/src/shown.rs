//! Text of others for the eyes of people: names of files and classes, what a damaged file holds, what a server says.
//!
//! It may hold commands to a terminal, line breaks that pretend to be a message of ours, characters that turn what follows them, and
//! a megabyte of whatever. Files for programs (JSON, TOML, predictions) hold it as it is.

use std::ffi::OsStr;

/// Characters of a name or path.
const MAX_NAME: usize = 1_000;
/// Characters of a line of a message.
const MAX_LINE: usize = 2_000;
/// Characters of a message.
const MAX_MESSAGE: usize = 50_000;

/// A name or a path as one line that can be printed anywhere: control characters as Rust writes them (`\n`, `\u{1b}`), characters that
/// turn what follows them (U+202A to U+202E, U+2066 to U+2069) and bytes that are no UTF-8 as replacement marks, and an ellipsis after
/// 1,000 characters.
pub fn shown(name: impl AsRef<OsStr>) -> String {
    cut(&escaped(&name.as_ref().to_string_lossy(), |_| false), MAX_NAME)
}

/// A whole message, whatever it quotes: as [`shown`], but line breaks and tabs stay, and the ellipsis comes after 2,000 characters of a
/// line and 50,000 of all.
pub fn shown_message(text: &str) -> String {
    let lines: Vec<String> = escaped_lines(text).split('\n').map(|line| cut(line, MAX_LINE)).collect();
    cut(&lines.join("\n"), MAX_MESSAGE)
}

/// A text for people that is as long as it is, such as a table: as [`shown_message`], without an end.
pub fn escaped_lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push(char::REPLACEMENT_CHARACTER),
            // Some programs break lines at these two, too.
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
