//! `kennel predict`.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_data::Notes;
use kennel_infer::{BATCH, InferError, Model, Photos, Predictor, label};

use crate::chosen_run::ChosenRun;
use crate::destination::Destination;
use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::hints::in_a_row;
use crate::onnx_args::OnnxArgs;
use crate::photo_args::PhotoArgs;
use crate::rows::{Row, RowFormat, Rows, Unknown};
use crate::session::Session;
use crate::sorting::{SortArgs, run_undo};
use crate::{network, photo_loop};

const EXAMPLE: &str = "\
Examples:
  kennel predict new.jpg --run runs/20260207_165541-resnet50-freeze-s42
  kennel predict photos/ more/*.jpg --onnx models/best_model_resnet50.onnx --format csv
  curl -s https://example.org/dog.jpg | kennel predict - --model mobilenetv2_100 --strategy freeze
  kennel predict new.jpg --model mobilenetv2_100 --weights DIR --top 5     with the ImageNet head
  kennel predict photos/ --run RUN --sort-into sorted      copies; --move moves
  kennel predict --undo sorted                             all photos as they were
  kennel predict 'shards/{000..999}.tar' --run RUN --shard 3/8 --format jsonl --out part-3.jsonl";

/// Which photos, and by which network.
#[derive(Args)]
#[command(after_help = EXAMPLE, allow_negative_numbers = true)]
pub struct PredictArgs {
    #[command(flatten)]
    photos: PhotoArgs,
    #[command(flatten)]
    chosen: ChosenRun,
    /// With --model: pretrained weights with the head they came with, instead of a run
    #[arg(long, value_name = "DIR|FILE|TAG", conflicts_with_all = ["run", "strategy"])]
    weights: Option<String>,
    /// An ONNX file, from `kennel export` or another program
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "model", "strategy", "weights", "device"])]
    onnx: Option<PathBuf>,
    /// Number of classes to list for each photo
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Give no label below this probability [default: 0, with --sort-into 0.8]
    #[arg(long, value_name = "P")]
    min_confidence: Option<f64>,
    /// With --format json or jsonl: list the logits too
    #[arg(long)]
    logits: bool,
    #[command(flatten)]
    sort: SortArgs,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    file: OnnxArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: RowFormat,
    /// Write the rows to FILE, under a temporary name until all are written. With --shard, do
    /// nothing if FILE exists
    #[arg(long, value_name = "FILE", conflicts_with = "undo")]
    out: Option<PathBuf>,
}

/// Labels photos in the given order, and sorts them if asked for. If one cannot be read, continues
/// with the rest.
pub fn run(args: PredictArgs, session: &Session) -> CommandResult {
    if let Some(out) = args.sort.undone() {
        return run_undo(out, session);
    }
    let found = args.min_confidence();
    if !(0.0..=1.0).contains(&found) {
        return Err(Failure::Usage(format!(
            "--min-confidence {found}: expected a probability in [0, 1]"
        )));
    }
    if args.logits && !matches!(args.format, RowFormat::Json | RowFormat::JsonLines) {
        return Err(Failure::Usage(
            "--logits: only --format json and jsonl have a place for them".into(),
        ));
    }
    if args.top == 0 {
        return Err(Failure::Usage("--top 0: expected at least 1".into()));
    }
    let photos = args.photos.named(session)?;
    if let Some(part) = args.finished_part() {
        say!(session, "finished   {}", part.display());
        return Ok(());
    }
    let mut model = args.model(session)?;
    if args.logits && model.preprocessing().is_none() {
        return Err(Failure::Usage(
            "--logits: a file that takes photos gives probabilities only".into(),
        ));
    }
    let (class_names, temperature) = (model.class_names().to_vec(), model.temperature());
    let tells_unknown = model.unknown_threshold().is_some();
    let mut sorting = args.sort.begin(args.photos.names(), &class_names, session)?;
    let to = Destination::of(args.out.as_deref())?;
    let mut rows = Rows::begin(to, args.format, args.top.min(class_names.len()), tells_unknown)?;
    let (mut asked, mut unreadable, mut unlabelled, mut is_read) = (0, 0, 0, true);
    let mut noted = Notes::default();
    let task = photo_loop::task_reading(args.photos.reads_stdin(), session);
    let counter = photo_loop::counter("labelled", args.out.is_none(), session);
    for labelled in label(&mut *model, Photos::Named(photos), task) {
        let labelled = match labelled {
            Ok(labelled) => labelled,
            Err(error) => {
                rows.stop()?;
                counter.finish_and_clear();
                if let Some(sorting) = sorting {
                    sorting.end(session);
                }
                return Err(photo_loop::ended_by(error, asked));
            }
        };
        asked += labelled.len();
        let mut found = Vec::with_capacity(labelled.len());
        for row in labelled {
            noted.add(&row.photo, &row.notes);
            if let Err(InferError::Data(_) | InferError::NoPhoto { .. }) = &row.scores {
                unreadable += 1;
            }
            let row = args.row(row, &class_names, temperature);
            unlabelled += usize::from(matches!(row, Row::Unreadable { .. }));
            found.push(row);
        }
        if let Some(sorting) = &mut sorting {
            sorting.place(&found, session)?;
        }
        is_read = is_read && rows.write(&found)?;
        if !is_read && sorting.is_none() {
            // The reader of the rows has gone (`| head`).
            return Ok(());
        }
        counter.set_position(asked as u64);
    }
    rows.end()?;
    counter.finish_and_clear();
    for note in noted.sentences() {
        say!(session, "note: {note}");
    }
    let are_sorted = sorting.is_none_or(|sorting| sorting.end(session));
    let done = if unlabelled > unreadable { "labelled" } else { "read" };
    photo_loop::ended_with(args.photos.names(), unlabelled, asked, done)?;
    if are_sorted { Ok(()) } else { Err(Failure::Partly) }
}

impl PredictArgs {
    /// The file of a share that was written before.
    fn finished_part(&self) -> Option<&Path> {
        self.out.as_deref().filter(|part| self.photos.is_shared() && part.exists())
    }

    /// The least probability of a label.
    fn min_confidence(&self) -> f64 {
        self.min_confidence.unwrap_or_else(|| self.sort.min_confidence())
    }

    /// Opens the file, the weights or the run that labels the photos.
    fn model(&self, session: &Session) -> Result<Box<dyn Model>, Failure> {
        if let Some(path) = &self.onnx {
            return Ok(Box::new(self.file.open(path, BATCH, session)?));
        }
        let compute = self.device.open(session)?;
        let predictor = match &self.weights {
            Some(weights) => {
                let model = self.chosen.model.as_deref().ok_or_else(|| {
                    Failure::Usage(
                        "which network do the weights belong to? give --model NAME".into(),
                    )
                })?;
                let architecture = kennel_models::architecture(model)?;
                network::weights(architecture, Some(weights), session, || {
                    Ok(kennel_models::check_head(architecture, Some(weights))?)
                })?;
                Predictor::of_weights(model, Some(weights), &compute)?
            }
            None if self.chosen.run.is_none() && self.chosen.model.is_none() => {
                return Err(Failure::Usage(
                    "by which network? give --run RUN, --model NAME or --onnx FILE".into(),
                ));
            }
            None => Predictor::of_run(&self.chosen.open(session)?, &compute)?,
        };
        if let Some(note) = predictor.note() {
            say!(session, "note: {note}");
        }
        Ok(Box::new(predictor))
    }

    /// Returns what is printed of a photo.
    fn row(&self, row: kennel_infer::Row, class_names: &[String], temperature: f64) -> Row {
        let kennel_infer::Row { photo: path, scores, unknown, .. } = row;
        let unknown =
            unknown.map(|found| Unknown { is_unknown: found.is_unknown, score: found.score });
        match scores.map(|scores| (scores.rank(class_names, temperature, self.top), scores)) {
            Err(error) | Ok((Err(error), _)) => Row::Unreadable { path, error: in_a_row(&error) },
            Ok((Ok(top), scores)) => {
                let first = &top[0];
                let is_known = unknown.is_none_or(|unknown| !unknown.is_unknown);
                let is_sure = is_known && first.probability >= self.min_confidence();
                let (label, probability) =
                    (is_sure.then(|| first.label.clone()), first.probability);
                let logits = self.logits.then(|| scores.into_values());
                Row::Seen { path, label, probability, top, unknown, logits }
            }
        }
    }
}
