//! What happens in a study. The caller prints it.

use kennel_auto::Contender;
use kennel_core::{RunDir, Settings};
use kennel_infer::InferError;
use kennel_report::{Comparison, Report, Written};

/// A step of a study. The progress of each training goes to the study's task instead.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The untouched head of a network is scored.
    BaselineBegins {
        /// Model and method.
        label: &'a str,
    },
    /// The convex head of an experiment of `auto` is fitted, to compare its network with others.
    ProbeBegins {
        /// The experiment.
        label: &'a str,
    },
    /// Networks were compared by their convex heads. Those in contention are fine-tuned.
    Contended {
        /// What the experiments share: strategy, the settings that vary and the seed.
        label: &'a str,
        /// The networks.
        all: &'a [Contender],
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
    /// Other processes train these experiments; this one waits for them, or takes over those of
    /// a process that ends.
    Elsewhere {
        /// The experiments.
        labels: &'a [&'a str],
    },
    /// An experiment is trained and evaluated.
    Trained {
        /// Its run.
        run: &'a RunDir,
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
    /// A drawing of the report cannot be made; it is written without it.
    NotDrawn {
        /// Name of the drawing.
        what: &'static str,
        /// Why not.
        reason: &'a InferError,
    },
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
