//! What clap found wrong with the words that were typed, and the way out where it takes more than a grammar to see it.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use kennel_core::{RunDir, did_you_mean, files, foreign_letter, quoted};

/// Flags by the names that they have in timm, fastai and Ultralytics.
const ELSEWHERE: [(&str, &str); 20] = [
    ("--arch", "--model"),
    ("--batch", "--batch-size"),
    ("--bs", "--batch-size"),
    ("-b", "--batch-size"),
    ("--conf", "--min-confidence"),
    ("--dropout", "--drop-rate"),
    ("--epoch", "--epochs"),
    ("-e", "--epochs"),
    ("--freeze", "--strategy freeze"),
    ("--image-size", "--side"),
    ("--img-size", "--side"),
    ("--imgsz", "--side"),
    ("--lr0", "--learning-rate"),
    ("--name", "--runs"),
    ("--opt", "--optimizer"),
    ("--output", "--out"),
    ("--patience", "--early-stopping"),
    ("--pretrained", "--weights"),
    ("--project", "--runs"),
    ("--sched", "--scheduler"),
];

/// Adds to an error about one word too many what it may be: a flag by another name, or a part of a name with spaces or of a list.
pub fn explained(mut error: clap::Error, command: &Command, typed: &[OsString]) -> clap::Error {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    let word = word.clone();
    let own = way_out(&word, command, typed);
    let mut tips: Vec<StyledStr> = match error.remove(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => tips,
        _ => Vec::new(),
    };
    // "To pass it as a value, use `-- --flag`": nobody has such a photo.
    tips.retain(|tip| !tip.to_string().starts_with("to pass "));
    // clap's neighbours are farther than ours: `--pretrained` is no slip of `--rotation`.
    let is_near = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(near)) => did_you_mean(&word, [near.as_str()]).is_some(),
        _ => false,
    };
    if own.is_some() || !is_near {
        error.remove(ContextKind::SuggestedArg);
    }
    tips.extend(own.map(StyledStr::from));
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

fn way_out(word: &str, command: &Command, typed: &[OsString]) -> Option<String> {
    let typed: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    let (name_at, command) = typed
        .iter()
        .enumerate()
        .find_map(|(index, name)| Some((index, command.find_subcommand(name.as_ref())?)))?;
    match word.starts_with(['-', '–', '—']) {
        true => mistyped_hyphens(word, &typed, command)
            .or_else(|| flag_elsewhere(word, command))
            .or_else(|| flag_in_another_alphabet(word, command)),
        false => Words::around(word, &typed, name_at + 1)?.way_out(command),
    }
}

/// A flag after one hyphen, of which clap takes the first letter for a flag of its own, or after a dash that an editor made of two.
fn mistyped_hyphens(word: &str, typed: &[std::borrow::Cow<str>], command: &Command) -> Option<String> {
    let mut begins = typed.iter().filter(|typed| typed.starts_with(word) && !typed.starts_with("--"));
    let name = begins.find_map(|typed| {
        let name = typed.trim_start_matches(['-', '–', '—']).split('=').next()?;
        has_flag(command, name).then_some(name)
    })?;
    Some(format!("two hyphens begin a flag: --{name}"))
}

/// A flag that looks right.
fn flag_in_another_alphabet(word: &str, command: &Command) -> Option<String> {
    let mut flags = command.get_arguments().filter_map(Arg::get_long).map(|long| format!("--{long}"));
    flags.find_map(|flag| {
        let letter = foreign_letter(word, &flag)?;
        Some(format!("{flag} has no `{letter}`, which is a letter of another alphabet"))
    })
}

fn has_flag(command: &Command, long: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(long))
}

fn flag_elsewhere(word: &str, command: &Command) -> Option<String> {
    if ["--data", "--source", "--input"].contains(&word) && command.get_positionals().next().is_some() {
        return Some("the photos are named without a flag".into());
    }
    let (_, here) = ELSEWHERE.iter().find(|(there, _)| *there == word)?;
    let long = here.trim_start_matches('-').split(' ').next()?;
    has_flag(command, long).then(|| format!("that is {here} here"))
}

/// The words without a flag among them around one too many.
struct Words<'a> {
    /// What stands before them: a flag, or the command's name.
    before: &'a str,
    all: Vec<&'a str>,
    /// The place of the one too many.
    at: usize,
}

impl<'a> Words<'a> {
    fn around(word: &str, typed: &'a [std::borrow::Cow<str>], from: usize) -> Option<Self> {
        let is_flag = |index: &usize| typed[*index].starts_with('-');
        let at = (from..typed.len()).find(|&index| typed[index] == word)?;
        let first = (from..at).rev().find(is_flag).map_or(from, |flag| flag + 1);
        let end = (at..typed.len()).find(is_flag).unwrap_or(typed.len());
        let all = typed[first..end].iter().map(|word| word.as_ref()).collect();
        Some(Words { before: &typed[first - 1], all, at: at - first })
    }

    fn joined(&self, from: usize, to: usize) -> String {
        self.all[from..to].join(" ")
    }

    fn way_out(&self, command: &Command) -> Option<String> {
        let flag = command.get_arguments().find(|arg| {
            let names = arg.get_long_and_visible_aliases().unwrap_or_default();
            arg.get_action().takes_values()
                && names.iter().any(|name| self.before.strip_prefix("--") == Some(name))
        });
        if let Some(list) = flag.filter(|arg| arg.get_value_delimiter().is_some()) {
            let values = self.all.iter().flat_map(|word| word.split(',')).filter(|value| !value.is_empty());
            let values = values.collect::<Vec<_>>().join(",");
            return Some(format!("several values have commas between them: --{} {values}", list.get_long()?));
        }
        let quotes = |name: &str| Some(format!("a name with spaces needs quotes: {}", quoted(name)));
        let end = self.all.len();
        let names = (0..self.at).flat_map(|from| (self.at + 1..=end).rev().map(move |to| (from, to)));
        if let Some(name) =
            names.map(|(from, to)| self.joined(from, to)).find(|name| Path::new(name).exists())
        {
            return quotes(&name);
        }
        let word = self.all[self.at];
        // What the shell made of `photos/*`.
        if self.at > 0 && self.all.iter().all(|word| Path::new(word).exists()) && has_flag(command, "out") {
            let above = quoted(&files::folder_of(Path::new(word)).to_string_lossy());
            return Some(format!("one folder is taken; the one that these lie in is {above}"));
        }
        if self.at > 0 && Path::new(&self.joined(0, self.at)).exists() {
            let out = || format!("where it is written is said with --out {}", quoted(word));
            return has_flag(command, "out").then(out);
        }
        // The name of a network has no spaces.
        let is_path = |arg: &Arg| {
            let names = arg.get_value_names().unwrap_or_default();
            names.iter().any(|name| ["DIR", "FILE", "RUN"].iter().any(|kind| name.contains(kind)))
        };
        let takes_names = match flag {
            Some(flag) => is_path(flag),
            None => command.get_positionals().next().is_some(),
        };
        if takes_names && self.at > 0 {
            return quotes(&self.joined(0, end));
        }
        if has_flag(command, "model") && kennel_models::architecture(word).is_ok() {
            return Some(format!("the network is named with --model {word}"));
        }
        if RunDir::open(word).is_ok() {
            let run = quoted(word);
            return match command.get_name() {
                "train" => Some(format!(
                    "a run goes on with --resume {run}; another begins with its settings with --config {run}"
                )),
                _ => has_flag(command, "run").then(|| format!("a run is named with --run {run}")),
            };
        }
        if has_flag(command, "out") && word.ends_with(".onnx") {
            return Some(format!("where it is written is said with --out {}", quoted(word)));
        }
        (has_flag(command, "data") && Path::new(word).is_dir())
            .then(|| format!("the photos are named with --data {}", quoted(word)))
    }
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
            ("kennel -q train resnet50", "resnet50", Some("--model resnet50")),
            ("kennel train resnet50 freeze", "resnet50", Some("--model resnet50")),
            ("kennel train -model resnet50", "-m", Some("two hyphens begin a flag: --model")),
            ("kennel train —model resnet50", "—model", Some("two hyphens begin a flag: --model")),
            ("kennel train --mοdel resnet50", "--mοdel", Some("--model has no `ο`")),
            ("kennel train -x resnet50", "-x", None),
            ("kennel train --model resnet50 freeze", "freeze", None),
            ("kennel prepare fotos --salida d", "--salida", None),
            (
                "kennel run --models mobilenetv2_100, resnet50",
                "resnet50",
                Some("--models mobilenetv2_100,resnet50"),
            ),
            ("kennel prepare src data/processed", "data/processed", Some("--out data/processed")),
            ("kennel prepare src/main.rs src/usage.rs", "src/usage.rs", Some("lie in is src")),
            ("kennel export best.onnx", "best.onnx", Some("--out best.onnx")),
            ("kennel train src", "src", Some("--data src")),
            ("kennel train --imgsz 224", "--imgsz", Some("--side")),
            ("kennel train -e 10", "-e", Some("--epochs")),
            ("kennel prepare --data photos", "--data", Some("without a flag")),
            ("kennel export --imgsz 224", "--imgsz", None),
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
