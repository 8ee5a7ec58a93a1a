//! What a reader must know before trusting the numbers: each check in a sentence, with its
//! evidence.

mod baseline;
mod check;
mod duplicates;
mod overlap;
mod pictures;

use kennel_metrics::Temperature;

pub use check::{Check, CheckKind, Level};
pub use overlap::{Overlap, overlap};

use crate::diagnosis::diagnose_in;
use crate::words::{Compared, Words};
use crate::{Commands, Comparison, Curves, Finding, FinishedRun, RunSummary};

/// Returns every check of a comparison.
pub fn checks(
    comparison: &Comparison,
    runs: &[FinishedRun],
    commands: &dyn Commands,
) -> Vec<Check> {
    checks_in(comparison, runs, commands, Words::ENGLISH)
}

/// As [`checks`], in the given words.
pub(crate) fn checks_in(
    comparison: &Comparison,
    runs: &[FinishedRun],
    commands: &dyn Commands,
    words: Words,
) -> Vec<Check> {
    let mut checks = baseline::checks(comparison, runs, commands, words);
    checks.extend(overlap::checks(runs, words));
    checks.extend(duplicates::checks(runs, commands, words));
    checks.extend(calibration(comparison, words));
    checks.extend(diagnoses(comparison, runs, words));
    checks.extend(power(comparison, words));
    checks.extend(pictures::checks(runs, commands, words));
    checks
}

fn calibration(comparison: &Comparison, words: Words) -> Vec<Check> {
    let of_run = |run: &RunSummary| {
        let test = run.test.as_ref()?;
        let is_validation = run.val.is_some();
        let fitted = match (&test.calibrated, run.temperature) {
            (Some(after), Some(temperature)) => words.with_temperature(
                temperature.value,
                after.expected_calibration_error,
                is_validation,
            ),
            (_, Some(Temperature { not_fitted: Some(reason), .. })) => {
                words.without_temperature(reason, is_validation)
            }
            _ => words.nothing_to_fit_on(),
        };
        let before = &test.calibration;
        let text = words.calibration(
            &run.label,
            before.expected_calibration_error,
            before.brier_score,
            &fitted,
        );
        Some(Check::new(words, CheckKind::Calibration, Level::Fine, text))
    };
    comparison.runs.iter().filter_map(of_run).collect()
}

fn diagnoses(comparison: &Comparison, runs: &[FinishedRun], words: Words) -> Vec<Check> {
    let classes = comparison.class_names.len();
    let of_run = |(run, summary): (&FinishedRun, &RunSummary)| {
        let curves = Curves::of(&run.epochs, run.settings().label_smoothing, classes);
        let diagnosis = diagnose_in(words, &curves, classes)?;
        let level = match diagnosis.finding {
            Finding::Converged | Finding::MixedLabels => Level::Fine,
            Finding::Diverged => Level::Warning,
            _ => Level::Note,
        };
        let text = format!("{}: {}", summary.label, diagnosis.sentence);
        Some(Check::new(words, CheckKind::Training, level, text))
    };
    runs.iter().zip(&comparison.runs).filter_map(of_run).collect()
}

fn power(comparison: &Comparison, words: Words) -> Option<Check> {
    let power = comparison.power.as_ref()?;
    let label = |name: &str| comparison.run(name).map(|run| run.label.as_str());
    let compared = Compared {
        labels: [label(&power.first)?, label(&power.second)?],
        only: [power.only_first, power.only_second],
    };
    let level =
        if power.need.is_some_and(|need| need <= power.have) { Level::Fine } else { Level::Note };
    let text = words.power(compared, power.have, power.need, power.is_found);
    Some(Check::new(words, CheckKind::Power, level, text))
}
