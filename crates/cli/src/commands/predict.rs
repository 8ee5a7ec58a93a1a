//! `kennel predict`.

use std::path::PathBuf;

use clap::Args;
use kennel_train::{PhotoPrediction, Predictor};
use serde::Serialize;

use super::evaluate::chosen_run;
use crate::CommandResult;
use crate::device::DeviceArg;
use crate::failure::Failure;
use crate::output::{Format, print, print_json};
use crate::resolve::RUNS_DIR;

const EXAMPLE: &str = "\
Examples:
  kennel predict new.jpg --run runs/20260207_165541-resnet50-freeze-s42
  kennel predict *.jpg --model mobilenetv2_100 --strategy freeze --format json
  kennel predict new.jpg --model mobilenetv2_100 --weights DIR --top 5     with the ImageNet head";

/// Which photos, and by which network.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct PredictArgs {
    /// Photos
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// A run's directory
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "strategy", "weights"])]
    run: Option<PathBuf>,
    /// In place of a run: the finished one of this architecture with the best validation accuracy
    #[arg(long)]
    model: Option<String>,
    /// Only runs of this strategy
    #[arg(long, conflicts_with = "weights")]
    strategy: Option<String>,
    /// With --model: pretrained weights with the head they came with, instead of a run
    #[arg(long, value_name = "DIR|FILE|TAG")]
    weights: Option<String>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
    runs: PathBuf,
    /// How many classes are listed for each photo
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// With --format json: list the logits too
    #[arg(long)]
    logits: bool,
    #[command(flatten)]
    device: DeviceArg,
    /// What stdout is for
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A photo's row: labelled, or why not.
#[derive(Serialize)]
#[serde(untagged)]
enum Row {
    Predicted(PhotoPrediction),
    Unreadable { path: String, error: String },
}

/// Labels photos in the order in which they were given; the rest go on when one cannot be read.
pub fn run(args: PredictArgs) -> CommandResult {
    let compute = args.device.open()?;
    let predictor = match &args.weights {
        Some(weights) => {
            let model = args.model.as_deref().ok_or_else(|| {
                Failure::Usage("which network do the weights belong to? give --model NAME".into())
            })?;
            Predictor::of_weights(model, Some(weights), &compute)?
        }
        None => {
            let (model, strategy) = (args.model.as_deref(), args.strategy.as_deref());
            let run = chosen_run(args.run.as_deref(), model, strategy, &args.runs)?;
            Predictor::of_run(&run, &compute)?
        }
    };
    if let Some(note) = predictor.note() {
        say!("note: {note}");
    }
    let rows: Vec<Row> = args
        .photos
        .iter()
        .map(|path| match predictor.predict(path, args.top, args.logits) {
            Ok(prediction) => Row::Predicted(prediction),
            Err(error) => {
                Row::Unreadable { path: path.to_string_lossy().into_owned(), error: error.to_string() }
            }
        })
        .collect();
    match args.format {
        Format::Json => print_json(&rows)?,
        Format::Table => print(&rows.iter().map(line).collect::<String>())?,
    }
    let unreadable = rows.iter().filter(|row| matches!(row, Row::Unreadable { .. })).count();
    if unreadable > 0 {
        say!("error: {unreadable} of {} photos could not be read", rows.len());
        return Err(Failure::Partly);
    }
    Ok(())
}

fn line(row: &Row) -> String {
    match row {
        Row::Predicted(photo) => {
            let top: Vec<String> = photo
                .top
                .iter()
                .map(|class| format!("{} {:.1} %", class.label, 100.0 * class.probability))
                .collect();
            format!("{}\t{}\n", photo.path, top.join("\t"))
        }
        Row::Unreadable { path, error } => format!("{path}\terror: {error}\n"),
    }
}
