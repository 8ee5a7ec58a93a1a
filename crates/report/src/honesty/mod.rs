//! What a reader must know before trusting the numbers: each check in a sentence, with its
//! evidence.

mod baseline;
mod check;
mod duplicates;
mod overlap;
mod pictures;

use std::collections::BTreeSet;

use kennel_metrics::Temperature;

pub use check::{Check, Level};
pub use overlap::{Overlap, overlap};
pub use pictures::PICTURES;

use crate::{Commands, Comparison, Finding, FinishedRun, RunSummary};

/// Returns every check of a comparison, in the order of the report.
pub fn checks(
    comparison: &Comparison,
    runs: &[FinishedRun],
    commands: &dyn Commands,
) -> Vec<Check> {
    let mut checks = baseline::checks(comparison, runs, commands);
    checks.extend(overlap::checks(runs));
    checks.extend(duplicates::checks(runs, commands));
    checks.extend(calibration(comparison));
    checks.extend(diagnoses(comparison));
    checks.extend(power(comparison));
    checks.extend(pictures::checks(runs, commands));
    checks
}

fn calibration(comparison: &Comparison) -> Vec<Check> {
    let of_run = |run: &RunSummary| {
        let test = run.test.as_ref()?;
        let before = test.calibration.expected_calibration_error;
        let held_out = if run.val.is_some() { "on validation" } else { "out of fold" };
        let fitted = match (&test.calibrated, run.temperature) {
            (Some(after), Some(temperature)) => format!(
                "with the temperature {:.3}, fitted {held_out}, it is {:.4}",
                temperature.value, after.expected_calibration_error
            ),
            (_, Some(Temperature { not_fitted: Some(reason), .. })) => {
                format!("no temperature could be fitted {held_out} ({reason}), so T = 1")
            }
            _ => "there are no validation photos to fit a temperature on, so T = 1".into(),
        };
        let text = format!(
            "{}: expected calibration error {before:.4}, Brier score {:.4} on the test photos; \
             {fitted}.",
            run.label, test.calibration.brier_score
        );
        Some(Check { title: "Calibration", level: Level::Fine, text })
    };
    comparison.runs.iter().filter_map(of_run).collect()
}

fn diagnoses(comparison: &Comparison) -> Vec<Check> {
    let of_run = |run: &RunSummary| {
        let diagnosis = run.diagnosis.as_ref()?;
        let level = match diagnosis.finding {
            Finding::Converged | Finding::MixedLabels => Level::Fine,
            Finding::Diverged => Level::Warning,
            _ => Level::Note,
        };
        let text = format!("{}: {}", run.label, diagnosis.sentence);
        Some(Check { title: "Training", level, text })
    };
    comparison.runs.iter().filter_map(of_run).collect()
}

fn power(comparison: &Comparison) -> Option<Check> {
    let power = comparison.power.as_ref()?;
    let level =
        if power.need.is_some_and(|need| need <= power.have) { Level::Fine } else { Level::Note };
    Some(Check { title: "Power", level, text: power.sentence.clone() })
}

/// Returns the titles of checks, each once, in their order.
pub fn titles(checks: &[Check]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    checks.iter().map(|check| check.title).filter(|title| seen.insert(*title)).collect()
}
