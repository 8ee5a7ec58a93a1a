//! Words the events of a study.

use std::path::Path;

use kennel_core::quoted;
use kennel_study::{Event, Failed, Halt};

use crate::auto_table::{tell_choice, tell_contenders};
use crate::commands::report::{tell_left_out, tell_not_drawn, tell_written};
use crate::commands::train::toml_of;
use crate::failure::Failure;
use crate::interrupt;
use crate::session::Session;
use crate::shard::FoundShard;

/// Prints which share of a study this process trains.
pub fn tell_shard(shard: FoundShard, experiments: usize, of: usize, session: &Session) {
    say!(session, "shard      {shard}: {experiments} of {of} experiments");
}

/// Prints an event. `out` is the folder of the report.
pub fn tell_event(event: Event<'_>, out: &Path, session: &Session) {
    match event {
        Event::BaselineBegins { label } => say!(session, "\nbaseline: {label}"),
        Event::ProbeBegins { label } => say!(session, "\nconvex head: {label}"),
        Event::Contended { label, all } => {
            say!(session, "\nnetworks of {label}, by their convex heads out of fold:");
            tell_contenders(all, session);
        }
        Event::ExperimentBegins { index, of, label, resumes: true, .. } => {
            say!(session, "\nexperiment {index} of {of}: {label}, resumes");
        }
        Event::ExperimentBegins { index, of, label, settings, resumes: false } => {
            say!(session, "\nexperiment {index} of {of}: {label}");
            // Settings that cannot be written fail the experiment.
            if let Ok(settings) = toml_of(settings) {
                detail!(session, "{}", settings.trim_end());
            }
        }
        Event::Elsewhere { labels } => {
            say!(session, "\nother processes train {}; waiting for them", labels.join("; "));
        }
        // What was tried stands in the run too: a table that cannot be read fails nothing.
        Event::Trained { run } => tell_choice(run, session).unwrap_or_else(|error| error.tell()),
        Event::Failed { label, reason } => shout!("failed: {label}: {reason}"),
        Event::Compared(comparison) => tell_left_out(comparison, session),
        Event::NotDrawn { what, reason } => tell_not_drawn(what, reason, session),
        Event::Reported { report, written } => tell_written(report, written, out, session),
        Event::ExportBegins { run } => say!(session, "\nexport     {}", run.path().display()),
    }
}

/// Groups failures by reason, one sentence each: `resnet50 freeze; resnet50 full: no space left`.
pub fn by_reason(failed: &[Failed]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Failed { label, reason } in failed {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason, vec![label])),
        }
    }
    reasons.into_iter().map(|(reason, labels)| format!("{}: {reason}", labels.join("; "))).collect()
}

/// Prints every failure at the end of a study.
pub fn tell_failed(failed: &[Failed]) {
    for reason in by_reason(failed) {
        shout!("failed: {reason}");
    }
}

/// Prints where a study was stopped, and how it resumes.
pub fn tell_halt(halt: &Halt, force: bool) {
    match halt {
        Halt::Baseline { label } => {
            shout!("stopped before the end of {label}\nhint: the same command resumes from there");
        }
        Halt::Checking { label } => {
            let command = resuming(force);
            shout!(
                "stopped while the photos of {label} were checked\nhint: {command} resumes from \
                 there"
            );
        }
        Halt::Waiting { label } => {
            shout!(
                "stopped while another process trained {label}\nhint: the same command waits again"
            );
        }
        Halt::Training { label, run, epochs } => {
            // With --force the same command would train everything again; without it, an older
            // finished run could count instead of this one.
            let hint = match force {
                true => format!("kennel train --resume {}", quoted(&run.path().to_string_lossy())),
                false => "the same command resumes from there".into(),
            };
            shout!("stopped {} of {label}\nhint: {hint}", interrupt::after(*epochs));
        }
    }
}

/// Prints why the best network was not exported, and returns how the command ends.
pub fn tell_unexported(failure: Failure, force: bool) -> Failure {
    if let Failure::Interrupted(_) = failure {
        let command = resuming(force);
        shout!("stopped before the best network was exported\nhint: {command} resumes from there");
        return Failure::Interrupted("");
    }
    shout!("failed: the best network was not exported: {}", failure.message().unwrap_or_default());
    Failure::Partly
}

/// The command that skips all finished runs and does the rest.
fn resuming(force: bool) -> &'static str {
    if force { "the same command without --force" } else { "the same command" }
}
