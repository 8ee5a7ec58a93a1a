//! The comparison as rows of text, the same in the terminal, the figure and the report.

use kennel_core::duration;
use kennel_metrics::{Proportion, format_proportion};

use crate::thousands::thousands;
use crate::{Comparison, RunSummary};

/// Titles of the columns.
pub const COLUMNS: [&str; 11] = [
    "run",
    "frozen",
    "trained",
    "lr",
    "epochs",
    "best val",
    "test (95 % CI)",
    "log loss",
    "time",
    "images/s",
    "memory",
];

/// Columns of numbers, to be right-aligned.
pub const NUMBERS: [usize; 9] = [2, 3, 4, 5, 6, 7, 8, 9, 10];

/// Columns to drop in a narrow place, first those that say least about how good a network is.
pub const LEAST: [usize; 8] = [10, 1, 9, 2, 7, 8, 4, 3];

/// Returns a row per run, in the order of the comparison, with a mark on the best run.
pub fn rows(comparison: &Comparison) -> Vec<[String; COLUMNS.len()]> {
    let row = |run: &RunSummary| {
        let mark = if comparison.best.as_ref() == Some(&run.name) { " *" } else { "" };
        let text = |text: Option<String>| text.unwrap_or_default();
        [
            format!("{}{mark}", run.label),
            run.frozen.clone(),
            thousands(run.trainable_params),
            if run.epochs == 0 { String::new() } else { format!("{:e}", run.learning_rate) },
            text(run.best_epoch.map(|best| format!("{} (best {best})", run.epochs))),
            text(run.val.as_ref().map(|val| of(&val.evaluation.accuracy))),
            text(run.test.as_ref().map(|test| with_interval(&test.evaluation.accuracy))),
            text(run.test.as_ref().map(|test| format!("{:.4}", test.evaluation.log_loss))),
            text(run.training_s.map(duration)),
            text(run.images_per_s.map(|rate| {
                format!("{rate:.0}{}", if run.feature_views.is_some() { " kept" } else { "" })
            })),
            text(run.peak_rss_bytes.map(|bytes| format!("{:.2} GB", bytes as f64 / 1e9))),
        ]
    };
    comparison.runs.iter().map(row).collect()
}

/// Returns the lines below the table: the best run, the seeds, the pairs and the power.
pub fn render_comparison(comparison: &Comparison) -> Vec<String> {
    const PAIRS: usize = 12;
    let mut lines = Vec::new();
    if let Some(best) = comparison.best.as_deref().and_then(|best| comparison.run(best)) {
        lines.push(format!(
            "* best trained run by validation accuracy, then validation loss: {}",
            best.label
        ));
    }
    if comparison.runs.iter().any(|run| run.feature_views.is_some()) {
        lines.push("With cached features, images/s covers the remaining work only.".into());
    }
    for group in &comparison.seeds {
        let each: Vec<String> = group
            .seeds
            .iter()
            .map(|seed| format!("{} (seed {})", seed.correct, seed.seed))
            .collect();
        lines.push(format!(
            "{}: test {:.2} % in the mean of {} seeds, standard deviation {:.2} points; right of \
             {}: {}",
            group.label,
            100.0 * group.mean,
            group.seeds.len(),
            100.0 * group.sd,
            comparison.test_photos,
            each.join(", ")
        ));
    }
    lines.extend(comparison.pairs.iter().take(PAIRS).map(|pair| pair.verdict.clone()));
    if comparison.pairs.len() > PAIRS {
        lines.push(format!(
            "and {} more pairs, none with a smaller p",
            comparison.pairs.len() - PAIRS
        ));
    }
    lines.extend(comparison.power.iter().map(|power| power.sentence.clone()));
    lines
}

/// Formats a proportion as `116/117`.
fn of(proportion: &Proportion) -> String {
    format!("{}/{}", proportion.correct, proportion.n)
}

/// Formats a proportion as `116/117 = 99.1 % (95.3-99.8)`.
fn with_interval(proportion: &Proportion) -> String {
    format_proportion(proportion).replace("95 % CI ", "")
}
