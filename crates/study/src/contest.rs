//! Compares the networks of a study by their convex heads, before `auto` fine-tunes any of them.

use std::collections::BTreeMap;

use kennel_auto::{JudgedProbe, begin_with_head, contend, fit_head};
use kennel_core::{RunDir, Strategy, Task};
use kennel_train::TrainError;

use crate::{Claim, Event, Experiment, Failed, Halt, Result, State, StudyOptions};

/// A run of `auto` that has its convex head.
pub struct Probed {
    /// The run.
    pub run: RunDir,
    /// Why it ends with its head, if it does.
    pub left_out: Option<String>,
}

/// The runs that were compared and are not finished, by the place of their experiment in the plan,
/// from 0.
pub type AllProbed = BTreeMap<usize, Probed>;

/// Fits the convex heads of all networks that `auto` runs with the same other settings and seed, if
/// there are several, and compares them. An experiment whose head cannot be fitted is not run.
///
/// Only predictions out of fold decide, so that a study that is resumed decides the same.
pub fn compare_networks(
    experiments: &mut [Experiment],
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> Result<(AllProbed, Vec<Failed>)> {
    let (mut all, mut failed) = (AllProbed::new(), Vec::new());
    for group in groups(experiments) {
        let is_finished = |&index: &usize| experiments[index].is_finished();
        if group.len() < 2 || group.iter().all(is_finished) {
            continue;
        }
        let (mut indices, mut runs, mut probes) = (Vec::new(), Vec::new(), Vec::new());
        for index in group {
            let experiment = &mut experiments[index];
            let label = experiment.label.clone();
            let _claim = claim_head(experiment, options, task)?;
            match probe(experiment, options, task, on) {
                Ok((run, probe)) => {
                    indices.push(index);
                    runs.push(run);
                    probes.push(probe);
                }
                Err(TrainError::Interrupted { run, epochs }) => {
                    return Err(Halt::Training { label, run, epochs }.into());
                }
                Err(TrainError::Stopped(_)) => return Err(Halt::Checking { label }.into()),
                Err(error) => {
                    let reason = options.commands.describe(&error);
                    on(Event::Failed { label: &label, reason: &reason });
                    experiment.settings = Err(reason.clone());
                    failed.push(Failed { label, reason });
                }
            }
        }
        if probes.is_empty() {
            continue;
        }
        let contenders = contend(&probes);
        on(Event::Contended { label: shared_label(&experiments[indices[0]]), all: &contenders });
        for ((index, run), contender) in indices.into_iter().zip(runs).zip(contenders) {
            if !experiments[index].is_finished() {
                all.insert(index, Probed { run, left_out: contender.left_out });
            }
        }
    }
    Ok((all, failed))
}

/// The experiments of `auto` that differ in their network only, group by group.
fn groups(experiments: &[Experiment]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, experiment) in experiments.iter().enumerate() {
        let settings = experiment.settings.as_ref();
        if settings.is_ok_and(|settings| settings.method == Strategy::Auto.into()) {
            groups.entry(experiment.combination).or_default().push(index);
        }
    }
    groups.into_values().collect()
}

/// Waits until no other process fits this head, then looks for its run again.
fn claim_head(
    experiment: &mut Experiment,
    options: &StudyOptions,
    task: Task<'_>,
) -> Result<Option<Claim>> {
    let (Some(claims), Ok(settings)) = (options.claims, &experiment.settings) else {
        return Ok(None);
    };
    let claim = claims.of_head(settings, &experiment.label, task)?;
    experiment.find_run(&options.existing.again(options.runs)?);
    Ok(Some(claim))
}

/// Fits the head of an experiment, unless a run has it.
fn probe(
    experiment: &Experiment,
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> kennel_auto::Result<(RunDir, JudgedProbe)> {
    let label = &experiment.label;
    let settings = experiment.settings.as_ref().expect("it can be run");
    let run = match &experiment.state {
        State::Finished(run) => run.clone(),
        // Another process may be training it.
        State::Begun(run) if JudgedProbe::read(run).is_ok() => run.clone(),
        State::Begun(run) => {
            on(Event::ProbeBegins { label });
            fit_head(run.clone(), &options.train, task)?
        }
        State::New => {
            on(Event::ProbeBegins { label });
            begin_with_head(settings, options.runs, &options.train, task)?
        }
    };
    let probe = JudgedProbe::read(&run)?;
    Ok((run, probe))
}

/// The label of an experiment without its network.
fn shared_label(experiment: &Experiment) -> &str {
    experiment.label.split_once(' ').map_or(&experiment.label, |(_, rest)| rest)
}
