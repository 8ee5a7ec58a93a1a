//! Only this crate names its flags and commands. The others leave typed hints (`core/src/hint.rs`),
//! which `cli/src/hints.rs` words.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

#[path = "common/names.rs"]
mod names;

use names::COMMANDS;

/// Literals of file formats. The digest of a manifest decides whether a run may be resumed, so what
/// it says about a photo cannot change.
const STORED: [&str; 2] = [" (`kennel prepare --min-side`)", " (--memory)"];

/// A string literal and its line.
struct Found {
    line: usize,
    text: String,
}

/// Whether a text names a flag (`--out`) or a command (`kennel train`).
fn names_a_flag_or_command(text: &str) -> bool {
    let is_boundary = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '-');
    let is_flag = text.match_indices("--").any(|(at, dashes)| {
        let after = &text[at + dashes.len()..];
        is_boundary(&text[..at]) && after.starts_with(|c: char| c.is_ascii_lowercase())
    });
    let is_command = text.match_indices("kennel ").any(|(at, name)| {
        let next = text[at + name.len()..].split(|c: char| !c.is_alphanumeric()).next();
        is_boundary(&text[..at]) && next.is_some_and(|word| COMMANDS.contains(&word))
    });
    is_flag || is_command
}

/// Returns what a string literal says: without its quotes, and with continued lines joined. None
/// for numbers and characters, of which `'"'` is one.
fn contents(literal: &str) -> Option<String> {
    let from = literal.find('"').filter(|&from| !literal[..from].contains('\''))?;
    let text = &literal[from + 1..literal.rfind('"')?];
    let mut lines = text.split("\\\n");
    let mut joined = lines.next()?.to_string();
    lines.for_each(|line| joined += line.trim_start());
    Some(joined)
}

/// Whether an attribute is `#[cfg(test)]`, or a condition that needs it.
fn is_of_tests(attribute: &Group) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text.starts_with("[cfg(") && text.contains("test") && !text.contains("not(test")
}

/// Collects the string literals of a program, without its tests and documentation.
fn literals(tokens: TokenStream, found: &mut Vec<Found>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                tokens.next_if(
                    |next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == '!'),
                );
                let is_attribute = |next: &TokenTree| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket);
                let Some(TokenTree::Group(attribute)) = tokens.next_if(is_attribute) else {
                    continue;
                };
                if is_of_tests(&attribute) {
                    // The item ends with its block or with a semicolon.
                    tokens.by_ref().find(|next| match next {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(mark) => mark.as_char() == ';',
                        _ => false,
                    });
                } else if !attribute.stream().to_string().starts_with("doc") {
                    literals(attribute.stream(), found);
                }
            }
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                found.extend(contents(&literal.to_string()).map(|text| Found { line, text }));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Returns the literals of a program that name a flag or a command.
fn wrong(program: &str) -> Vec<Found> {
    let mut found = Vec::new();
    literals(program.parse().expect("it is Rust"), &mut found);
    found.retain(|Found { text, .. }| {
        names_a_flag_or_command(text) && !STORED.contains(&text.as_str())
    });
    found
}

fn files_under(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn no_library_names_a_flag_or_a_command() {
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for room in std::fs::read_dir(rooms).unwrap() {
        let room = room.unwrap().path();
        if !room.ends_with("cli") && room.join("src").is_dir() {
            files_under(&room.join("src"), &mut files);
        }
    }
    files.sort();
    assert!(files.len() > 100, "{} files", files.len());
    let lines: Vec<String> = files
        .iter()
        .flat_map(|file| {
            wrong(&std::fs::read_to_string(file).unwrap()).into_iter().map(move |w| (file, w))
        })
        .map(|(file, Found { line, text })| {
            format!("{}:{line}: \"{text}\"", file.strip_prefix(rooms).unwrap().display())
        })
        .collect();
    assert!(lines.is_empty(), "only `cli` names flags and commands:\n{}", lines.join("\n"));
}

#[test]
fn literals_are_found_and_tests_and_documentation_are_not() {
    let program = r#"
        //! `kennel train --resume` is documentation.
        /// So is `--out`.
        #[error("{path} is in use\nhint: choose another with --out")]
        struct InUse;
        fn hint() -> &'static str {
            "run `kennel \
             prepare` again"
        }
        const FINE: [&str; 4] = ["a kennel of dogs", "models--timm--resnet18", "a -- b", "KENNEL train"];
        const QUOTES: [u8; 1] = [b'"'];
        #[cfg(all(test, unix))]
        mod tests {
            const FLAG: &str = "--split";
        }
        fn after() { say("--cache-size makes it larger") }
    "#;
    let found: Vec<(usize, String)> =
        wrong(program).into_iter().map(|w| (w.line, w.text)).collect();
    let expected = [
        (4, "{path} is in use\\nhint: choose another with --out"),
        (7, "run `kennel prepare` again"),
        (16, "--cache-size makes it larger"),
    ];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_string())));
}
