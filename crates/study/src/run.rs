//! Runs the experiments of a study.

use kennel_auto::{end_with_head, resume, train};
use kennel_core::Task;
use kennel_train::TrainError;

use crate::baseline::baselines;
use crate::claims::wait;
use crate::contest::{Probed, compare_networks};
use crate::{Event, Experiment, Failed, Halt, Place, Result, State, Study, StudyOptions};

/// How the experiments of a study ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Number of experiments whose runs are finished, including those that were before.
    pub finished: usize,
    /// The experiments and baselines that failed.
    pub failed: Vec<Failed>,
}

impl Study {
    /// Scores the untouched networks, then trains or resumes each of the planned `experiments` that
    /// is not finished. Continues after a failure. Waits for experiments that other processes train
    /// in the same folder, and takes over those of a process that dies. Several networks of `auto`
    /// are compared by their convex heads first, and only those in contention are fine-tuned.
    ///
    /// # Errors
    ///
    /// A model that does not exist, or [`StudyError::Stopped`](crate::StudyError::Stopped).
    pub fn run(
        &self,
        mut experiments: Vec<Experiment>,
        options: &StudyOptions,
        task: Task<'_>,
        on: &dyn Fn(Event<'_>),
    ) -> Result<Ended> {
        let mut failed: Vec<Failed> = experiments.iter().filter_map(Experiment::failure).collect();
        failed.extend(baselines(self, options, task, on)?);
        let (mut probed, unprobed) = compare_networks(&mut experiments, options, task, on)?;
        failed.extend(unprobed);
        let mut finished = 0;
        let mut left: Vec<(usize, Experiment)> = experiments.into_iter().enumerate().collect();
        let mut waits = false;
        while !left.is_empty() {
            let mut of_others = Vec::new();
            for (index, mut experiment) in left {
                let Ok(settings) = &experiment.settings else { continue };
                let mut claim = None;
                if let (Some(claims), false) = (options.claims, experiment.is_finished()) {
                    claim = claims.of_experiment(settings)?;
                    if claim.is_none() {
                        of_others.push((index, experiment));
                        continue;
                    }
                    // Nobody else can begin it now, but somebody may have finished it.
                    experiment.find_run(&options.existing.again(options.runs)?);
                }
                match train_one(&experiment, probed.remove(&index), options, task, on)? {
                    Ok(()) => finished += 1,
                    Err(failure) => failed.push(failure),
                }
                drop(claim);
            }
            left = of_others;
            let labels: Vec<&str> = left.iter().map(|(_, other)| other.label.as_str()).collect();
            if let Some(first) = labels.first() {
                if !waits {
                    on(Event::Elsewhere { labels: &labels });
                }
                waits = true;
                wait(first, task)?;
            }
        }
        Ok(Ended { finished, failed })
    }
}

/// Trains or resumes an experiment, unless it is finished. Returns how it failed, if it did.
fn train_one(
    experiment: &Experiment,
    probed: Option<Probed>,
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> Result<Result<(), Failed>> {
    let Experiment { place: Place { index, of }, label, settings, state, .. } = experiment;
    let Ok(settings) = settings else { return Ok(experiment.failure().map_or(Ok(()), Err)) };
    let (index, of) = (*index, *of);
    let begins = |resumes| on(Event::ExperimentBegins { index, of, label, settings, resumes });
    let trained = match (state.clone(), probed) {
        (State::Finished(run), _) => {
            run.tidy();
            return Ok(Ok(()));
        }
        (state, Some(Probed { run, left_out })) => {
            begins(matches!(state, State::Begun(_)));
            match left_out {
                Some(left_out) => end_with_head(run, left_out, &options.train, task),
                None => resume(run, None, &options.train, task),
            }
        }
        (State::Begun(run), None) => {
            begins(true);
            resume(run, None, &options.train, task)
        }
        (State::New, None) => {
            begins(false);
            train(settings, options.runs, &options.train, task)
        }
    };
    let label = label.clone();
    match trained {
        Ok(trained) => {
            on(Event::Trained { run: &trained.run });
            Ok(Ok(()))
        }
        Err(TrainError::Interrupted { run, epochs }) => {
            Err(Halt::Training { label, run, epochs }.into())
        }
        Err(TrainError::Stopped(_)) => Err(Halt::Checking { label }.into()),
        Err(error) => {
            let reason = options.commands.describe(&error);
            on(Event::Failed { label: &label, reason: &reason });
            Ok(Err(Failed { label, reason }))
        }
    }
}
