//! `kennel similar`.

use std::path::PathBuf;

use clap::Args;
use kennel_core::{Split, Task, kept_in_place};
use kennel_data::{Named, Notes};
use kennel_infer::{FeatureRow, PhotoIndex, Photos, Predictor, SimilarPhoto, features};
use serde::Serialize;

use super::explain::split;
use crate::chosen_run::ChosenRun;
use crate::device::DeviceArg;
use crate::failure::CommandResult;
use crate::hints::in_a_row;
use crate::progress::Terminal;
use crate::rows::{RowFormat, Written, csv_line, unreadable_fields, unreadable_line};
use crate::session::Session;
use crate::{interrupt, output, photo_loop};

const EXAMPLE: &str = "\
Examples:
  kennel similar new.jpg --run RUN                     the photos of the data set most like it
  kennel similar odd/ --run RUN --split train --top 3  what the network learnt from

Two photos are alike if the network sees much the same in them: the number is the cosine of the \
angle between the inputs of its classifier, 1 for the same picture.";

/// Photos of the data set that are like a photo.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct SimilarArgs {
    /// Photos, folders of photos, patterns such as 'new/*.jpg', or - for a photo on standard input
    #[arg(value_name = "PHOTO|DIR|-", required = true)]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    chosen: ChosenRun,
    /// Number of similar photos of each photo
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Look only among the train, val or test photos
    #[arg(long, value_parser = split)]
    split: Option<Split>,
    /// Where the run's photos lie, if they have moved
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: RowFormat,
}

const COLUMNS: [&str; 7] = ["path", "rank", "similarity", "similar", "label", "split", "error"];

/// A photo with one that is like it, or the reason why it has none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Row {
    Similar {
        /// Path as given by the user.
        path: String,
        /// 1 for the most alike.
        rank: usize,
        /// How much alike, 1 at most.
        similarity: f64,
        /// Path of the photo of the data set.
        similar: String,
        /// Its label.
        label: String,
        /// Its part.
        split: Split,
    },
    Unreadable {
        /// Path as given by the user.
        path: String,
        /// The reason.
        error: String,
    },
}

/// Prints the photos of a run's data set that are most like some photos.
pub fn run(args: SimilarArgs, session: &Session) -> CommandResult {
    let run = args.chosen.open(session)?;
    let mut predictor = Predictor::of_run(&run, &args.device.open(session)?)?;
    if let Some(note) = predictor.note() {
        say!(session, "note: {note}");
    }
    let terminal = Terminal::new(session);
    let on = |event: kennel_core::task::Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let index = PhotoIndex::of_run(&run, &mut predictor, args.data.as_deref(), task)
        .map_err(|error| photo_loop::ended_by(error, 0))?;
    drop(terminal);
    let folder = match &args.data {
        Some(folder) => folder.clone(),
        None => PathBuf::from(run.read_record()?.settings.data_dir),
    };
    if args.format == RowFormat::Csv {
        output::print_bytes(csv_line(&COLUMNS.map(String::from))?.as_bytes())?;
    }
    let (mut rows, mut asked, mut failed) = (Written::default(), 0, 0);
    let mut noted = Notes::default();
    let task = photo_loop::task_on(&args.photos, session);
    for batch in features(&mut predictor, Photos::Named(Named::new(args.photos.clone())), task)? {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                rows.end(args.format)?;
                return Err(photo_loop::ended_by(error, asked));
            }
        };
        for FeatureRow { photo, notes, features } in batch {
            asked += 1;
            noted.add(&photo, &notes);
            let found = match features {
                Err(error) => {
                    failed += 1;
                    vec![Row::Unreadable { path: photo, error: in_a_row(&error) }]
                }
                Ok(features) => {
                    let row = |(place, SimilarPhoto { photo: of, similarity })| Row::Similar {
                        path: photo.clone(),
                        rank: place + 1,
                        similarity,
                        similar: folder.join(&of.path).display().to_string(),
                        label: of.label.clone(),
                        split: of.split,
                    };
                    let similar = index.similar(&features, args.split, args.top as usize);
                    similar.into_iter().enumerate().map(row).collect()
                }
            };
            if !rows.write(args.format, &found, line, fields)? {
                // The reader of the rows has gone (`| head`).
                return Ok(());
            }
        }
    }
    rows.end(args.format)?;
    for note in noted.sentences() {
        say!(session, "note: {note}");
    }
    photo_loop::ended_with(&args.photos, failed, asked, "compared")
}

fn line(row: &Row) -> String {
    match row {
        Row::Unreadable { path, error } => unreadable_line(path, error),
        Row::Similar { path, similarity, similar, label, .. } => format!(
            "{}\t{similarity:.3}\t{}\t{}\n",
            kept_in_place(path),
            kept_in_place(label),
            kept_in_place(similar)
        ),
    }
}

fn fields(row: &Row) -> Vec<String> {
    match row {
        Row::Similar { path, rank, similarity, similar, label, split } => vec![
            path.clone(),
            rank.to_string(),
            similarity.to_string(),
            similar.clone(),
            label.clone(),
            split.to_string(),
            String::new(),
        ],
        Row::Unreadable { path, error } => unreadable_fields(path, error, COLUMNS.len()),
    }
}
