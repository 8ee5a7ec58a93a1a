//! The run that the page is about.

use kennel_metrics::Evaluation;

use crate::judged::{Judged, judged};
use crate::judged_on::HeldOut;
use crate::{FinishedRun, Report, RunSummary};

/// The best run by validation; without one, the run that is right most often.
pub struct Subject<'a> {
    /// Its place in the comparison.
    pub index: usize,
    /// The run.
    pub run: &'a FinishedRun,
    /// Its summary.
    pub summary: &'a RunSummary,
    /// The photos that its numbers come from.
    pub held_out: HeldOut,
    /// Its scores on them.
    pub evaluation: &'a Evaluation,
    /// Its answers for them.
    pub judged: Vec<Judged<'a>>,
}

impl<'a> Subject<'a> {
    /// Finds the run that the page is about. `None` if no run has predictions.
    pub fn of(report: &'a Report) -> Option<Self> {
        let runs = &report.comparison.runs;
        let best = report.comparison.best.as_ref();
        let index = runs.iter().position(|run| best == Some(&run.name)).or_else(|| {
            (0..runs.len()).max_by(|&a, &b| accuracy(&runs[a]).total_cmp(&accuracy(&runs[b])))
        })?;
        let (run, summary) = (&report.runs[index], &runs[index]);
        let (held_out, predictions) = [
            (HeldOut::Test, &run.test),
            (HeldOut::Validation, &run.val),
            (HeldOut::OutOfFold, &run.out_of_fold),
        ]
        .into_iter()
        .find_map(|(held_out, of)| Some((held_out, of.as_ref()?)))?;
        let evaluation = &predictions.evaluation;
        Some(Subject {
            index,
            run,
            summary,
            held_out,
            evaluation,
            judged: judged(predictions, summary),
        })
    }

    /// Returns the pointer to one of its scores in the page's JSON.
    pub fn at(&self, key: &str) -> String {
        format!("/comparison/runs/{}/{}/{key}", self.index, self.held_out.key())
    }

    /// Returns the name of a class.
    pub fn class(&self, index: usize) -> &str {
        &self.evaluation.per_class[index].name
    }
}

/// Returns the scores that a run is compared by: those on the test photos, or else on the
/// validation photos.
pub fn score(run: &RunSummary) -> Option<&Evaluation> {
    run.test.as_ref().or(run.val.as_ref()).map(|scores| &scores.evaluation)
}

/// Returns the places of all runs, the most accurate first; runs without scores last.
pub fn by_accuracy(report: &Report) -> Vec<usize> {
    let runs = &report.comparison.runs;
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by(|&a, &b| accuracy(&runs[b]).total_cmp(&accuracy(&runs[a])));
    order
}

/// Returns the accuracy that a run is compared by; without scores, less than any.
fn accuracy(run: &RunSummary) -> f64 {
    score(run).map_or(-1.0, |of| of.accuracy.value)
}
