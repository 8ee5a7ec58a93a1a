//! Runs the experiments of a study.

use kennel_auto::{resume, train};
use kennel_core::Task;
use kennel_train::TrainError;

use crate::baseline::baselines;
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
    /// is not finished. Continues after a failure.
    ///
    /// # Errors
    ///
    /// A model that does not exist, or [`StudyError::Stopped`](crate::StudyError::Stopped).
    pub fn run(
        &self,
        experiments: Vec<Experiment>,
        options: &StudyOptions,
        task: Task<'_>,
        on: &dyn Fn(Event<'_>),
    ) -> Result<Ended> {
        let mut failed: Vec<Failed> = experiments.iter().filter_map(Experiment::failure).collect();
        failed.extend(baselines(self, options, task, on)?);
        let (mut finished, of) = (0, experiments.len());
        for (index, Experiment { label, settings, state }) in (1..).zip(experiments) {
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
            let trained = match state {
                State::Finished(run) => {
                    run.tidy();
                    finished += 1;
                    continue;
                }
                State::Begun(run) => {
                    begins(true);
                    resume(run, None, &options.train, task)
                }
                State::New => {
                    begins(false);
                    train(&settings, options.runs, &options.train, task)
                }
            };
            match trained {
                Ok(_) => finished += 1,
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
