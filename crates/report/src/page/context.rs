//! What all sections of the report share.

use std::path::Path;

use maud::Markup;

use super::album::Album;
use super::number::{Numbers, Rounded};
use super::subject::Subject;
use crate::words::Words;
use crate::{Check, Commands, Report, RunSummary};

/// The report, and how its page shows it.
pub struct Page<'a> {
    /// What is shown.
    pub report: &'a Report,
    /// The run that the page is about.
    pub subject: Option<Subject<'a>>,
    /// Places of all runs, the most accurate first.
    pub order: Vec<usize>,
    /// The checks in the language of the page.
    pub checks: Vec<Check>,
    /// Its photos.
    pub album: Album,
    /// Its language.
    pub words: Words,
    /// Its numbers.
    pub numbers: Numbers<'a>,
    /// Writes the commands that a reader may copy.
    pub commands: &'a dyn Commands,
    /// The folder that the report is written into.
    pub out: &'a Path,
}

impl Page<'_> {
    /// Returns the summary of the run at a place.
    pub fn summary(&self, index: usize) -> &RunSummary {
        &self.report.comparison.runs[index]
    }

    /// Renders a number of the run at a place.
    pub fn of_run(&self, index: usize, key: &str, rounded: Rounded) -> Markup {
        self.numbers.at(&format!("/comparison/runs/{index}/{key}"), rounded)
    }

    /// Renders the accuracy that the run at a place is compared by: see
    /// [`score`](super::subject::score).
    pub fn accuracy(&self, index: usize, rounded: Rounded) -> Markup {
        let key = if self.summary(index).test.is_some() { "test/accuracy" } else { "val/accuracy" };
        self.of_run(index, key, rounded)
    }

    /// Returns what the run at a place did not train.
    pub fn frozen_layers(&self, index: usize) -> String {
        let run = self.summary(index);
        let is_all_trained = run.trainable_params == run.total_params;
        self.words.frozen_layers(run.strategy, is_all_trained, &run.trained)
    }

    /// Whether the run at a place is the best by validation.
    pub fn is_best(&self, index: usize) -> bool {
        self.report.comparison.best.as_ref() == Some(&self.summary(index).name)
    }
}
