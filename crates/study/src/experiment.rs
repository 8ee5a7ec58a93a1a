//! One training run of a study.

use kennel_core::{Settings, Split};
use kennel_data::Dataset;
use kennel_report::Commands;
use kennel_train::class_weights;

use crate::{Existing, State};

/// Place of an experiment in the plan of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub index: usize,
    /// Number of experiments in the plan.
    pub of: usize,
}

/// One training run.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its place in the plan.
    pub place: Place,
    /// Model, strategy, the settings that vary and the seed.
    pub label: String,
    /// Number of its combination of settings and seed: experiments of the same strategy and number
    /// differ in their network only.
    pub combination: usize,
    /// Its complete settings, or why it cannot be run.
    pub settings: Result<Settings, String>,
    /// Whether a run of it exists.
    pub state: State,
}

/// An experiment that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The experiment.
    pub label: String,
    /// Why, with hints.
    pub reason: String,
}

impl Experiment {
    /// Checks that the class weights of the settings match the classes of the photos.
    pub fn check_classes(&mut self, data: &Dataset, commands: &dyn Commands) {
        let Ok(settings) = &self.settings else { return };
        let counts: Vec<usize> = data
            .classes()
            .iter()
            .map(|class| data.manifest().counts(Some(class)).of(Split::Train))
            .collect();
        if let Err(error) = class_weights(&settings.class_weights, data.classes(), &counts) {
            self.settings = Err(commands.describe(&error));
        }
    }

    /// Looks for a run of this experiment that is finished or can be resumed.
    pub fn find_run(&mut self, existing: &Existing) {
        if let Ok(settings) = &self.settings {
            self.state = existing.state(settings);
        }
    }

    /// Whether a run of it is finished.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished(_))
    }

    /// Returns its failure if it cannot be run.
    pub fn failure(&self) -> Option<Failed> {
        let reason = self.settings.as_ref().err()?.clone();
        Some(Failed { label: self.label.clone(), reason })
    }
}
