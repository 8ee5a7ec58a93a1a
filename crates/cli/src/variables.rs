//! Environment variables for what is set once: `KENNEL_RUNS`, `KENNEL_DEVICE` and the like.
//!
//! A flag names its variable with clap's `env`. To clap that would be as good as typed: `predict --onnx` would refuse a
//! `KENNEL_DEVICE` that is there for `train`. Here a variable stands for a flag's default instead, so the command line and
//! `--config` win over it and it is in nobody's way; an empty one says nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use bytesize::ByteSize;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use kennel_train::DeviceChoice;


/// Makes the defaults of what variables say.
pub fn as_defaults(command: Command) -> Command {
    command.mut_args(as_default).mut_subcommands(as_defaults)
}

fn as_default(arg: Arg) -> Arg {
    let Some(name) = variable(&arg) else { return arg };
    let Some(value) = std::env::var_os(&name) else { return arg };
    if !arg.get_action().takes_values() {
        // A switch is off by itself and in nobody's way: clap may read it.
        return arg;
    }
    // What clap would say of it.
    let help = format!("{} [env: {name}]", arg.get_help().cloned().unwrap_or_default());
    let arg = arg.env(None::<&'static str>).help(help);
    match value.is_empty() {
        true => arg,
        false => arg.default_value(value).hide_default_value(true),
    }
}

fn variable(arg: &Arg) -> Option<String> {
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// What is wrong with the value of a variable, where it is not for a file system to say.
pub fn problem(name: &str, value: &OsStr) -> Option<String> {
    let Some(text) = value.to_str() else {
        return matches!(name, "KENNEL_DATA" | "KENNEL_DEVICE" | "KENNEL_CACHE_SIZE")
            .then(|| "not UTF-8".into());
    };
    let problem = match name {
        "KENNEL_DEVICE" => text.parse::<DeviceChoice>().err(),
        "KENNEL_CACHE_SIZE" => text.parse::<ByteSize>().err(),
        _ => None,
    }?;
    problem.lines().next().map(String::from)
}

/// What a variable says, if it says anything.
pub fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The variables that flags read, and their flags.
pub fn of_flags(command: &Command) -> BTreeMap<String, String> {
    let mut found: BTreeMap<_, _> = command
        .get_arguments()
        .filter_map(|arg| Some((variable(arg)?, format!("--{}", arg.get_long()?))))
        .collect();
    command.get_subcommands().for_each(|command| found.extend(of_flags(command)));
    found
}

/// Says what clap found wrong and ends; where a variable said it, that is said too.
pub fn exit(error: clap::Error, command: &Command) -> ! {
    let Some(name) = source(&error, command) else { error.exit() };
    // To stderr, which may be gone.
    error.print().unwrap_or_default();
    shout!("hint: that is what the environment variable {name} says");
    std::process::exit(error.exit_code())
}

/// The variable that holds the value which is wrong.
fn source(error: &clap::Error, command: &Command) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (flag, value) = (context(ContextKind::InvalidArg)?, context(ContextKind::InvalidValue)?);
    let says = |name: &str| std::env::var_os(name).is_some_and(|found| found == value);
    of_flags(command)
        .into_iter()
        .find(|(name, known)| flag.split(' ').next() == Some(known) && says(name))
        .map(|(name, _)| name)
}
