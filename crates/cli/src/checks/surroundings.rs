//! Checks of the environment: variables, the network and the terminal.

use std::io::{IsTerminal, stderr, stdout};

use clap::Command;

use super::found::Found;
use crate::session::Session;
use crate::{network, variables};

/// Prefixes of the variables that affect Kennel, and whole names.
const PREFIXES: [&str; 4] = ["KENNEL_", "HF_", "ORT_", "RAYON_"];
const NAMES: [&str; 8] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "HUGGINGFACE_HUB_CACHE",
    "NO_COLOR",
    "NO_PROXY",
    "XDG_CACHE_HOME",
];
/// Variables that the notebook reads, not the program.
const NOTEBOOK: [&str; 2] = ["KENNEL_PHOTOS", "KENNEL_ROOT"];

pub fn variables(program: &Command) -> Found {
    let is_ours = |name: &str| {
        PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
    };
    let mut set: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .filter(|(name, _)| is_ours(name))
        .collect();
    set.sort();
    let flags = variables::of_flags(program);
    let known = || flags.keys().map(String::as_str);
    let mut problems = Vec::new();
    for (name, value) in
        set.iter().filter(|(name, value)| name.starts_with("KENNEL_") && !value.is_empty())
    {
        if NOTEBOOK.contains(&name.as_str()) {
            continue;
        }
        if !known().any(|known| known == name) {
            let nearest = kennel_core::did_you_mean(name, known());
            let hint =
                nearest.map_or_else(String::new, |nearest| format!(": did you mean {nearest}?"));
            problems.push(format!("{name} is nothing that Kennel reads{hint}"));
        } else if let Some(reason) = variables::problem(name, value.as_ref()) {
            problems.push(format!("{name}: {reason}"));
        }
    }
    if !problems.is_empty() {
        return Found::problem(problems.join("; "))
            .hint(format!("those there are: {}", known().collect::<Vec<_>>().join(", ")));
    }
    let told: Vec<String> = set.iter().map(|(name, value)| told(name, value)).collect();
    match told.is_empty() {
        true => Found::none("nothing is set that Kennel reads"),
        false => Found::ok(told.join(", ")),
    }
}

/// Renders a variable without secrets.
fn told(name: &str, value: &str) -> String {
    let is_secret = ["TOKEN", "KEY", "SECRET", "PASS"].iter().any(|word| name.contains(word))
        // user:password@host
        || (value.contains("://") && value.contains('@'));
    match value {
        "" => format!("{name} is empty, as if it were not set"),
        _ if is_secret => format!("{name} is set"),
        value => format!("{name}={}", value.escape_debug()),
    }
}

pub fn network(session: &Session) -> Found {
    if session.is_offline() {
        return Found::none("off: --offline, KENNEL_OFFLINE or HF_HUB_OFFLINE");
    }
    let (answers, silent): (Vec<_>, Vec<_>) =
        network::servers().into_iter().partition(|(_, answer)| answer.is_ok());
    let answers: Vec<String> =
        answers.into_iter().map(|(url, _)| format!("{url} answers")).collect();
    let silent: Vec<String> = silent
        .into_iter()
        .map(|(url, answer)| format!("{url} does not answer: {}", answer.err().unwrap_or_default()))
        .collect();
    let text = [answers, silent.clone()].concat().join("; ");
    match silent.is_empty() {
        true => Found::ok(text),
        false => Found::none(text).hint(
            "weights and photos of your own work without it (--weights DIR), and so does `kennel demo`; a mirror is \
             given by HF_ENDPOINT (weights), KENNEL_STANFORD_DOGS_URL (photos) and KENNEL_NPM_REGISTRY (pages), a proxy by \
             HTTPS_PROXY",
        ),
    }
}

pub fn terminal() -> Found {
    let (out, err) = (stdout().is_terminal(), stderr().is_terminal());
    if !out && !err {
        return Found::none("stdout and stderr are piped: progress comes as plain lines");
    }
    let is = |is_terminal| if is_terminal { "a terminal" } else { "piped" };
    let term = std::env::var("TERM").unwrap_or_else(|_| "not set".into());
    Found::ok(format!("stdout is {}, stderr {}; TERM is {}", is(out), is(err), term.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(told("HF_TOKEN", "hf_abc"), "HF_TOKEN is set");
        assert_eq!(told("HF_ENDPOINT", "https://me:secret@mirror"), "HF_ENDPOINT is set");
        assert_eq!(told("HF_HOME", "/data"), "HF_HOME=/data");
        assert!(told("KENNEL_RUNS", "").contains("as if it were not set"));
    }
}
