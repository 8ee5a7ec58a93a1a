//! Environment variables that set defaults of flags: `KENNEL_RUNS`, `KENNEL_DEVICE` and the like.
//!
//! A flag names its variable with clap's `env`. But clap treats a variable like a typed flag:
//! `predict --onnx` would reject a `KENNEL_DEVICE` that is set for `train`. Here a variable
//! replaces the flag's default instead: the command line and `--config` override it, and it
//! conflicts with no flag. An empty variable counts as not set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use bytesize::ByteSize;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use kennel_infer::DeviceChoice;

/// Makes environment variables the defaults of their flags.
pub fn as_defaults(command: Command) -> Command {
    command.mut_args(as_default).mut_subcommands(as_defaults)
}

fn as_default(arg: Arg) -> Arg {
    let Some(name) = variable(&arg) else { return arg };
    let Some(value) = std::env::var_os(&name) else { return arg };
    if !arg.get_action().takes_values() {
        // A switch is off by default and conflicts with nothing: clap may read it.
        return arg;
    }
    // The same help text that clap would show.
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

/// Returns what is wrong with the value of a variable. Leaves paths to the file system.
pub fn problem(name: &str, value: &OsStr) -> Option<String> {
    let Some(text) = value.to_str() else {
        return matches!(name, "KENNEL_DATA" | "KENNEL_DEVICE" | "KENNEL_CACHE_SIZE")
            .then(|| "not UTF-8".into());
    };
    let problem = match name {
        "KENNEL_DEVICE" => text.parse::<DeviceChoice>().err().map(|error| error.to_string()),
        "KENNEL_CACHE_SIZE" => text.parse::<ByteSize>().err(),
        _ => None,
    }?;
    problem.lines().next().map(String::from)
}

/// Returns the value of a variable, unless it is empty.
pub fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the variables that flags read, each with its flag.
pub fn of_flags(command: &Command) -> BTreeMap<String, String> {
    let mut found: BTreeMap<_, _> = command
        .get_arguments()
        .filter_map(|arg| Some((variable(arg)?, format!("--{}", arg.get_long()?))))
        .collect();
    command.get_subcommands().for_each(|command| found.extend(of_flags(command)));
    found
}

/// Prints clap's error and exits. If the wrong value came from a variable, names that variable.
pub fn exit(error: clap::Error, command: &Command) -> ! {
    let Some(name) = source(&error, command) else { error.exit() };
    // Ignores a closed stderr.
    error.print().unwrap_or_default();
    shout!("hint: that is what the environment variable {name} says");
    std::process::exit(error.exit_code())
}

/// Returns the variable that holds the wrong value.
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
