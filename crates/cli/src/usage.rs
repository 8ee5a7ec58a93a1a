//! What clap found wrong with the words that were typed, and the way out where it takes more than a grammar to see it.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use kennel_core::quoted;

/// Adds to an error about one word too many what it may be: a part of a name with spaces, or of a list.
pub fn explained(mut error: clap::Error, command: &Command, typed: &[OsString]) -> clap::Error {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    let own = way_out(word, command, typed);
    let mut tips: Vec<StyledStr> = match error.remove(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => tips,
        _ => Vec::new(),
    };
    // "To pass it as a value, use `-- --flag`": nobody has such a photo.
    tips.retain(|tip| !tip.to_string().starts_with("to pass "));
    tips.extend(own.map(StyledStr::from));
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

fn way_out(word: &str, command: &Command, typed: &[OsString]) -> Option<String> {
    let typed: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    let is_flag = |word: &str| word.starts_with('-');
    let (name_at, command) = typed
        .iter()
        .enumerate()
        .find_map(|(index, name)| Some((index, command.find_subcommand(name.as_ref())?)))?;
    if is_flag(word) {
        return None;
    }
    let at = (name_at + 1..typed.len()).find(|&index| typed[index] == word)?;
    // The words without a flag among them: where they begin, and where they end.
    let first =
        (name_at + 1..at).rev().find(|&index| is_flag(&typed[index])).map_or(name_at + 1, |flag| flag + 1);
    let end = (at..typed.len()).find(|&index| is_flag(&typed[index])).unwrap_or(typed.len());
    let of_flag = command.get_arguments().find(|arg| {
        arg.get_action().takes_values()
            && arg.get_long_and_visible_aliases().is_some_and(|names| {
                names.iter().any(|name| typed[first - 1].strip_prefix("--") == Some(name))
            })
    });
    let joined = |from: usize, to: usize, by: &str| typed[from..to].join(by);
    if let Some(list) = of_flag.filter(|arg| arg.get_value_delimiter().is_some()) {
        let flag = list.get_long()?;
        return Some(format!(
            "several values have commas between them: --{flag} {}",
            joined(first, end, ",")
        ));
    }
    let names = (first..at).flat_map(|from| (at + 1..=end).rev().map(move |to| (from, to)));
    let there = names.map(|(from, to)| joined(from, to, " ")).find(|name| Path::new(name).exists());
    // The name of a network has no spaces.
    let is_path = |arg: &Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        names.iter().any(|name| ["DIR", "FILE", "RUN"].iter().any(|kind| name.contains(kind)))
    };
    let takes_names = match of_flag {
        Some(flag) => is_path(flag),
        None => command.get_positionals().next().is_some(),
    };
    let name = there.or_else(|| (takes_names && first < at).then(|| joined(first, end, " ")))?;
    Some(format!("a name with spaces needs quotes: {}", quoted(&name)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    #[test]
    fn a_word_too_many_is_part_of_a_name_or_of_a_list() {
        let tip = |line: &str, word: &str| {
            let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            way_out(word, &Cli::command(), &typed)
        };
        for (line, word, expected) in [
            ("kennel prepare Fotos del móvil --out d", "del", Some("quotes: 'Fotos del móvil'")),
            ("kennel prepare fotos --out mis datos", "datos", Some("quotes: 'mis datos'")),
            ("kennel run --seeds 42 43 44 --force", "43", Some("commas between them: --seeds 42,43,44")),
            ("kennel run --lrs 1e-3 1e-4", "1e-4", Some("--learning-rates 1e-3,1e-4")),
            ("kennel -q train resnet50", "resnet50", None),
            ("kennel train resnet50 freeze", "resnet50", None),
            ("kennel train --model resnet50 freeze", "freeze", None),
            ("kennel prepare fotos --salida d", "--salida", None),
        ] {
            let found = tip(line, word);
            match expected {
                Some(expected) => {
                    assert!(found.as_ref().is_some_and(|tip| tip.contains(expected)), "{line}: {found:?}")
                }
                None => assert_eq!(found, None, "{line}"),
            }
        }
    }
}
