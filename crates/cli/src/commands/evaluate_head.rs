//! `kennel evaluate --folds`: a convex head on a frozen network, cross-validated.

use std::path::Path;

use kennel_core::task::Event;
use kennel_core::{HeadFit, PartialSettings, Strategy, Task};
use kennel_train::{JudgedHead, TrainError, TrainOptions, judge_head};
use serde_json::json;

use crate::evaluation_report::render_report;
use crate::failure::CommandResult;
use crate::output::{Format, Stream, columns_that_fit, print, print_json};
use crate::progress::Terminal;
use crate::resolve::resolve;
use crate::session::Session;
use crate::{data, interrupt};

/// Cross-validates the head that `kennel train --strategy freeze --head convex` would fit, and
/// prints what is found. Keeps no run.
pub fn cross_validate(
    asked: PartialSettings,
    count: Option<usize>,
    mut options: TrainOptions,
    format: Format,
    session: &Session,
) -> CommandResult {
    let settings = resolve(
        PartialSettings {
            strategy: Some(Strategy::Freeze.into()),
            head: Some(HeadFit::Convex),
            ..asked
        },
        session,
    )?;
    settings.check().map_err(TrainError::from)?;
    options.data = Some(data::open(Path::new(&settings.data_dir), session)?);
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let found = judge_head(&settings, count, &options, task)?;
    drop(terminal);
    match format {
        Format::Json => print_json(&json!({
            "model": settings.model,
            "weights": settings.weights,
            "data": settings.data_dir,
            "folds": found.folds,
            "strengths": found.strengths.iter().map(|of| json!({
                "l2": of.l2,
                "loss": of.loss,
                "standard_error": of.standard_error,
                "accuracy": of.accuracy,
            })).collect::<Vec<_>>(),
            "chosen": found.chosen,
            "seconds": found.seconds,
            "out_of_fold": found.out_of_fold,
        })),
        Format::Table => print(&render(&found)),
    }
}

/// Renders the strengths that were tried, and the metrics at the chosen one.
fn render(found: &JudgedHead) -> String {
    let rows: Vec<[String; 4]> = found
        .strengths
        .iter()
        .enumerate()
        .map(|(index, of)| {
            [
                if index == found.chosen { "*".into() } else { String::new() },
                format!("{:.1e}", of.l2),
                format!("{:.4} +- {:.4}", of.loss, of.standard_error),
                format!("{:.1} %", 100.0 * of.accuracy),
            ]
        })
        .collect();
    let header = ["", "L2 strength", "loss, nats", "accuracy"];
    format!(
        "{}\nout of fold, {} folds, {:.1} s\n\n{}",
        columns_that_fit(Stream::Out, header, &rows, &[1, 2, 3], &[3]),
        found.folds,
        found.seconds,
        render_report(&found.out_of_fold)
    )
}
