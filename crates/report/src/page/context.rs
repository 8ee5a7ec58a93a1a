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
    /// Words commands.
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

    /// Whether the run at a place is the best by validation.
    pub fn is_best(&self, index: usize) -> bool {
        self.report.comparison.best.as_ref() == Some(&self.summary(index).name)
    }
}
