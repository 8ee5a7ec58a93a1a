//! What happens in a study. The caller prints it.

use kennel_core::{RunDir, Settings};
use kennel_report::{Comparison, Report, Written};

/// A step of a study. The progress of each training goes to the observer of its control instead.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The untouched head of a network is scored.
    BaselineBegins {
        /// Model and method.
        label: &'a str,
    },
    /// An experiment is trained or resumed.
    ExperimentBegins {
        /// Its place in the plan, from 1.
        index: usize,
        /// Number of experiments in the plan.
        of: usize,
        /// Its name.
        label: &'a str,
        /// Its settings.
        settings: &'a Settings,
        /// Whether it resumes a run that was begun.
        resumes: bool,
    },
    /// An experiment failed; the next one begins.
    Failed {
        /// The experiment.
        label: &'a str,
        /// Why, with hints.
        reason: &'a str,
    },
    /// The runs are compared; the report is written next.
    Compared(&'a Comparison),
    /// The report is written.
    Reported {
        /// The report.
        report: &'a Report,
        /// Its files.
        written: &'a Written,
    },
    /// The network of the best run is exported.
    ExportBegins {
        /// The run.
        run: &'a RunDir,
    },
}
