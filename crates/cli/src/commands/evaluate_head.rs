//! `kennel evaluate --folds`: a convex head on a frozen network, cross-validated.

use std::path::Path;

use kennel_core::task::Event;
use kennel_core::{HeadFit, PartialSettings, Strategy, Task};
use kennel_train::{
    Extrapolation, JudgedHead, MORE_PHOTOS, Outlook, TrainError, TrainOptions, judge_head,
};
use serde_json::json;

use crate::evaluation_report::render_report;
use crate::failure::CommandResult;
use crate::output::{Format, Stream, columns_that_fit, print, print_json, wrapped};
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
            "more_photos": match &found.outlook {
                Outlook::Falls(falls) => json!({
                    "times": MORE_PHOTOS,
                    "gain": falls.gain,
                    "low": falls.gain_low,
                    "high": falls.gain_high,
                }),
                _ => json!(null),
            },
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
        "{}\nout of fold, {} folds, {:.1} s\n\n{}\n{}\n",
        columns_that_fit(Stream::Out, header, &rows, &[1, 2, 3], &[3]),
        found.folds,
        found.seconds,
        render_report(&found.out_of_fold),
        wrapped(&more_photos(&found.outlook), 0)
    )
}

/// Says what more photos would bring.
fn more_photos(outlook: &Outlook) -> String {
    let many = format!("{MORE_PHOTOS} times the photos");
    match outlook {
        Outlook::Falls(Extrapolation { gain, gain_low, gain_high, .. }) => format!(
            "{many} would bring about {:.1} points ({:.1} to {:.1}), if the errors go on falling as \
             they did from an eighth of the photos to all.",
            100.0 * gain,
            100.0 * gain_low,
            100.0 * gain_high
        ),
        Outlook::FewErrors { errors } => {
            format!("What {many} would bring cannot be said: only {errors} are wrong.")
        }
        _ => format!(
            "{many} would bring nothing that shows: the errors did not fall from an eighth of the \
             photos to all."
        ),
    }
}
