//! `kennel explain`.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_core::{Split, kept_in_place};
use kennel_data::{Named, Notes};
use kennel_explain::HeatMap;
use kennel_infer::{Explained, ExplainedPhoto, InferError, Model, Photos, Predictor, explain};
use kennel_metrics::{argmax, softmax_at};
use serde::Serialize;

use super::explain_split::explain_split;
use crate::chosen_run::ChosenRun;
use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::folders::{EXPLAINED_DIR, RESULTS_DIR};
use crate::heat_pictures::Pictures;
use crate::hints::{hint_did_you_mean, in_a_row, worded};
use crate::rows::{RowFormat, Written, csv_line, unreadable_fields, unreadable_line};
use crate::session::Session;
use crate::{network, output, photo_loop, variables};

const EXAMPLE: &str = "\
Examples:
  kennel explain new.jpg --run RUN                  results/explained/new-heat.png
  kennel explain photos/ --run RUN --class boxer    what speaks for boxer, whatever the label
  kennel explain --run RUN                          the test photos: does the network look at the background?
  kennel explain new.jpg --model mobilenetv2_100 --weights DIR     with the ImageNet head

The heat is Grad-CAM's (Selvaraju et al. 2017). The middle is the central square of half the area: \
an even map has 50 % of its heat there.";

/// Which photos, and by which network.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ExplainArgs {
    /// Photos, folders of photos, patterns such as 'new/*.jpg', or - for a photo on standard input
    /// [default: the run's test photos, as a table by class]
    #[arg(value_name = "PHOTO|DIR|-")]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    chosen: ChosenRun,
    /// With --model: pretrained weights with the head they came with, instead of a run
    #[arg(long, value_name = "DIR|FILE|TAG", conflicts_with_all = ["run", "strategy"])]
    weights: Option<String>,
    // An ONNX file has no gradients; the error says so.
    #[arg(long, hide = true, conflicts_with_all = ["run", "model", "strategy", "weights"])]
    onnx: Option<PathBuf>,
    /// Explain this class [default: the class that the network gives the photo]
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// Without photos: train, val or test
    #[arg(long, default_value_t = Split::Test, value_parser = split, conflicts_with = "photos")]
    split: Split,
    /// Without photos: where the run's photos lie, if they have moved
    #[arg(long, value_name = "DIR", conflicts_with = "photos")]
    data: Option<PathBuf>,
    /// Folder for the pictures; without photos, pictures are drawn only if it is given
    /// [default: explained in the folder of reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: RowFormat,
}

/// Reads the name of a split.
pub fn split(text: &str) -> Result<Split, String> {
    Split::named(text).ok_or_else(|| {
        let hint = hint_did_you_mean(text, ["train", "val", "test"]);
        format!("expected train, val or test{hint}")
    })
}

const COLUMNS: [&str; 7] =
    ["path", "label", "probability", "explained", "outside", "picture", "error"];

/// Result for a photo.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Row {
    /// The photo was explained.
    Seen {
        /// Path as given by the user.
        path: String,
        /// The class with the highest probability.
        label: String,
        /// Its probability.
        probability: f64,
        /// The class that is explained.
        explained: String,
        /// Share of the heat outside the middle; None without heat.
        outside: Option<f64>,
        /// The picture.
        picture: String,
        /// The heat of each place.
        heat: HeatMap,
    },
    /// The photo could not be read, or not be explained.
    Unreadable {
        /// Path as given by the user.
        path: String,
        /// The reason.
        error: String,
    },
}

/// Explains named photos, or the photos of a run's split.
pub fn run(args: ExplainArgs, session: &Session) -> CommandResult {
    let is_onnx = |path: &Path| path.extension().is_some_and(|ending| ending == "onnx");
    if args.onnx.is_some() || args.chosen.run.as_deref().is_some_and(is_onnx) {
        return Err(Failure::Usage(worded(&InferError::NoGradients)));
    }
    if args.photos.is_empty() {
        if args.weights.is_some() {
            return Err(Failure::Usage("which photos? only a run has test photos".into()));
        }
        let run = args.chosen.open(session)?;
        let mut model = Predictor::of_run(&run, &args.device.open(session)?)?;
        let class = args.class_index(&model)?;
        let mut pictures = args.out.as_deref().map(Pictures::begin).transpose()?;
        let (data, format) = (args.data.as_deref(), args.format);
        let asked = (args.split, class);
        return explain_split(&run, &mut model, asked, data, pictures.as_mut(), format, session);
    }
    let mut model = args.model(session)?;
    if let Some(note) = model.note() {
        say!(session, "note: {note}");
    }
    explain_photos(&args, &mut model, session)
}

/// Explains named photos in their order. If one cannot be read, continues with the rest.
fn explain_photos(args: &ExplainArgs, model: &mut Predictor, session: &Session) -> CommandResult {
    let class = args.class_index(model)?;
    let (class_names, temperature) = (model.class_names().to_vec(), model.temperature());
    let out = match &args.out {
        Some(out) => out.clone(),
        None => variables::value("KENNEL_RESULTS")
            .map_or_else(|| RESULTS_DIR.into(), PathBuf::from)
            .join(EXPLAINED_DIR),
    };
    let mut pictures = Pictures::begin(&out)?;
    if args.format == RowFormat::Csv {
        output::print_bytes(csv_line(&COLUMNS.map(String::from))?.as_bytes())?;
    }
    let (mut rows, mut asked, mut failed) = (Written::default(), 0, 0);
    let mut noted = Notes::default();
    let task = photo_loop::task_on(&args.photos, session);
    let counter = photo_loop::counter("explained", true, session);
    for explained in explain(model, Photos::Named(Named::new(args.photos.clone())), class, task)? {
        let explained = match explained {
            Ok(explained) => explained,
            Err(error) => {
                rows.end(args.format)?;
                counter.finish_and_clear();
                return Err(photo_loop::ended_by(error, asked));
            }
        };
        asked += explained.len();
        let mut found = Vec::with_capacity(explained.len());
        for ExplainedPhoto { photo, notes, explained } in explained {
            noted.add(&photo, &notes);
            found.push(match explained {
                Err(error) => Row::Unreadable { path: photo, error: in_a_row(&error) },
                Ok((seen, Explained { logits, class_index, heat })) => {
                    let label = argmax(&logits);
                    Row::Seen {
                        label: class_names[label].clone(),
                        probability: softmax_at(&logits, temperature)[label],
                        explained: class_names[class_index].clone(),
                        outside: heat.share_outside(),
                        picture: pictures.draw(&photo, &seen, &heat)?.display().to_string(),
                        path: photo,
                        heat,
                    }
                }
            });
        }
        failed += found.iter().filter(|row| matches!(row, Row::Unreadable { .. })).count();
        if !rows.write(args.format, &found, line, fields)? {
            // The reader of the rows has gone (`| head`).
            return Ok(());
        }
        counter.set_position(asked as u64);
    }
    rows.end(args.format)?;
    counter.finish_and_clear();
    for note in noted.sentences() {
        say!(session, "note: {note}");
    }
    photo_loop::ended_with(&args.photos, failed, asked, "explained")
}

impl ExplainArgs {
    /// Opens the weights or the run.
    fn model(&self, session: &Session) -> Result<Predictor, Failure> {
        let compute = self.device.open(session)?;
        let Some(weights) = &self.weights else {
            return Ok(Predictor::of_run(&self.chosen.open(session)?, &compute)?);
        };
        let model = self.chosen.model.as_deref().ok_or_else(|| {
            Failure::Usage("which network do the weights belong to? give --model NAME".into())
        })?;
        let architecture = kennel_models::architecture(model)?;
        network::weights(architecture, Some(weights), session, || Ok(()))?;
        Ok(Predictor::of_weights(model, Some(weights), &compute)?)
    }

    /// Returns the class that is asked for.
    fn class_index(&self, model: &Predictor) -> Result<Option<usize>, Failure> {
        let Some(name) = &self.class else { return Ok(None) };
        let names = model.class_names();
        let place = names.iter().position(|known| known == name);
        let unknown = || {
            let hint = hint_did_you_mean(name, names.iter().map(String::as_str));
            Failure::Usage(format!("--class {name}: the network has no such class{hint}"))
        };
        place.map(Some).ok_or_else(unknown)
    }
}

fn line(row: &Row) -> String {
    match row {
        Row::Unreadable { path, error } => unreadable_line(path, error),
        Row::Seen { path, label, probability, explained, outside, picture, .. } => {
            let heat = match outside {
                Some(outside) => {
                    format!("{:.0} % of the heat in the middle", 100.0 * (1.0 - outside))
                }
                None => "no heat".into(),
            };
            let other = match explained == label {
                true => String::new(),
                false => format!(" for {}", kept_in_place(explained)),
            };
            format!(
                "{}\t{} {:.1} %\t{heat}{other}\t{}\n",
                kept_in_place(path),
                kept_in_place(label),
                100.0 * probability,
                kept_in_place(picture)
            )
        }
    }
}

fn fields(row: &Row) -> Vec<String> {
    match row {
        Row::Seen { path, label, probability, explained, outside, picture, .. } => vec![
            path.clone(),
            label.clone(),
            probability.to_string(),
            explained.clone(),
            outside.map_or_else(String::new, |outside| outside.to_string()),
            picture.clone(),
            String::new(),
        ],
        Row::Unreadable { path, error } => unreadable_fields(path, error, COLUMNS.len()),
    }
}
