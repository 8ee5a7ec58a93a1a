//! Runs the experiments of a study.

use kennel_auto::{end_with_head, resume, train};
use kennel_core::Task;
use kennel_train::TrainError;

use crate::baseline::baselines;
use crate::contest::{Probed, compare_networks};
use crate::{Event, Experiment, Failed, Halt, Result, State, Study, StudyOptions};

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
    /// is not finished. Continues after a failure. Several networks of `auto` are compared by their
    /// convex heads first, and only those in contention are fine-tuned.
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
        let (mut finished, of) = (0, experiments.len());
        for (index, experiment) in (1..).zip(experiments) {
            let Experiment { label, settings, state, .. } = experiment;
            let Ok(settings) = settings else { continue };
            let begins = |resumes| {
                on(Event::ExperimentBegins {
                    index,
                    of,
                    label: &label,
                    settings: &settings,
                    resumes,
                });
            };
            let trained = match (state, probed.remove(&(index - 1))) {
                (State::Finished(run), _) => {
                    run.tidy();
                    finished += 1;
                    continue;
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
                    train(&settings, options.runs, &options.train, task)
                }
            };
            match trained {
                Ok(trained) => {
                    on(Event::Trained { run: &trained.run });
                    finished += 1;
                }
                Err(TrainError::Interrupted { run, epochs }) => {
                    return Err(Halt::Training { label, run, epochs }.into());
                }
                Err(TrainError::Stopped(_)) => return Err(Halt::Checking { label }.into()),
                Err(error) => {
                    let reason = options.commands.describe(&error);
                    on(Event::Failed { label: &label, reason: &reason });
                    failed.push(Failed { label, reason });
                }
            }
        }
        Ok(Ended { finished, failed })
    }
}
