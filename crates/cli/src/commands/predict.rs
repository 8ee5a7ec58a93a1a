//! `kennel predict`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use indicatif::ProgressBar;
use kennel_core::Preprocessing;
use kennel_data::{
    DataError, NoPhoto, Note, Notes, PhotoSource, RgbImage, in_parallel, photo_sources, resize,
};
use kennel_metrics::{rank, rank_probabilities};
use kennel_onnx::{Classifier, OnnxError, Takes};
use kennel_train::Predictor;

use crate::chosen_run::ChosenRun;
use crate::device::DeviceArg;
use crate::failure::Failure;
use crate::hints::in_a_row;
use crate::nearby::hint_nearby;
use crate::onnx_args::OnnxArgs;
use crate::progress::photo_counter;
use crate::rows::{Row, RowFormat, Rows};
use crate::{CommandResult, interrupt, network};

const EXAMPLE: &str = "\
Examples:
  kennel predict new.jpg --run runs/20260207_165541-resnet50-freeze-s42
  kennel predict photos/ more/*.jpg --onnx models/best_model_resnet50.onnx --format csv
  curl -s https://example.org/dog.jpg | kennel predict - --model mobilenetv2_100 --strategy freeze
  kennel predict new.jpg --model mobilenetv2_100 --weights DIR --top 5     with the ImageNet head";

/// Photos of a batch. This bounds the memory, however many photos there are.
const AT_ONCE: usize = 32;
/// Limit of the batch's pixels in bytes, for networks with a large input: 32 photos of 408 by 408.
const BYTES_AT_ONCE: usize = 64 << 20;

/// Which photos, and by which network.
#[derive(Args)]
#[command(after_help = EXAMPLE, allow_negative_numbers = true)]
pub struct PredictArgs {
    /// Photos, folders of photos, patterns such as 'new/*.jpg', or - for a photo on standard input
    #[arg(required = true, value_name = "PHOTO|DIR|-")]
    photos: Vec<PathBuf>,
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
    /// Give no label below this probability
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_confidence: f64,
    /// With --format json: list the logits too
    #[arg(long)]
    logits: bool,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    file: OnnxArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: RowFormat,
}

/// A network or a file that labels photos.
enum Engine {
    Network(Box<Predictor>),
    File(Box<Classifier>),
}

/// A photo in the form that an engine takes.
enum Prepared {
    Pixels(Vec<f32>),
    Photo(RgbImage),
}

/// Labels photos in the given order. If one cannot be read, continues with the rest.
pub fn run(args: PredictArgs) -> CommandResult {
    if !(0.0..=1.0).contains(&args.min_confidence) {
        let found = args.min_confidence;
        return Err(Failure::Usage(format!("--min-confidence {found}: expected a probability in [0, 1]")));
    }
    if args.logits && args.format != RowFormat::Json {
        return Err(Failure::Usage("--logits: only --format json has a place for them".into()));
    }
    if args.top == 0 {
        return Err(Failure::Usage("--top 0: expected at least 1".into()));
    }
    let mut engine = args.engine()?;
    if args.logits && matches!(&engine, Engine::File(file) if file.takes() == Takes::Photo) {
        return Err(Failure::Usage("--logits: a file that takes photos gives probabilities only".into()));
    }
    let class_names = engine.class_names().to_vec();
    let mut rows = Rows::begin(args.format, args.top.min(class_names.len()))?;
    // Decoded photos are large, preprocessed ones are not.
    let (preprocessing, at_once) = match engine.preprocessing() {
        Some(preprocessing) => {
            let bytes = 3 * size_of::<f32>() * (preprocessing.side_px as usize).pow(2);
            (Some(preprocessing), (BYTES_AT_ONCE / bytes).clamp(1, AT_ONCE))
        }
        None => (None, std::thread::available_parallelism().map_or(1, usize::from)),
    };
    let make = |source: &Result<PhotoSource, NoPhoto>| match source {
        Ok(source) => prepare(source, preprocessing.as_ref()).map_err(|error| in_a_row(&error)),
        Err(none) => Err(none.reason.clone()),
    };
    let (mut asked, mut unreadable, mut unlabelled) = (0, 0, 0);
    let mut noted = Notes::default();
    // A process that waits for standard input cannot stop at the next photo, so it does not listen.
    let stop = (!args.photos.iter().any(|path| path == Path::new("-"))).then(interrupt::listen);
    // On a terminal the rows themselves show the progress.
    let counter = match std::io::stdout().is_terminal() {
        true => ProgressBar::hidden(),
        false => photo_counter("labelled"),
    };
    for chunk in in_parallel(photo_sources(args.photos.clone()), at_once, make) {
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            rows.end()?;
            counter.finish_and_clear();
            shout!("stopped after {asked} photos");
            return Err(Failure::Interrupted(""));
        }
        let mut paths = Vec::with_capacity(chunk.len());
        let mut prepared = Vec::with_capacity(chunk.len());
        for (source, made) in chunk {
            let path = source.map_or_else(|none| none.asked, |source| source.to_string());
            prepared.push(made.map(|(prepared, notes)| {
                noted.add(&path, &notes);
                prepared
            }));
            paths.push(path);
        }
        asked += prepared.len();
        unreadable += prepared.iter().filter(|photo| photo.is_err()).count();
        let labelled = match engine.label(prepared, &class_names, &args) {
            Ok(labelled) => labelled,
            Err(failure) => {
                rows.end()?;
                counter.finish_and_clear();
                return Err(failure);
            }
        };
        unlabelled += labelled.iter().filter(|label| label.is_err()).count();
        let found: Vec<Row> =
            paths.into_iter().zip(labelled).map(|(path, label)| args.row(path, label)).collect();
        if !rows.write(&found)? {
            // The reader of the rows has gone (`| head`).
            return Ok(());
        }
        counter.set_position(asked as u64);
    }
    rows.end()?;
    counter.finish_and_clear();
    for note in noted.sentences() {
        say!("note: {note}");
    }
    if unlabelled > 0 {
        let hint = args.photos.iter().filter(|path| !path.exists()).find_map(|path| hint_nearby(path));
        let done = if unlabelled > unreadable { "labelled" } else { "read" };
        shout!("error: {unlabelled} of {asked} photos could not be {done}{}", hint.unwrap_or_default());
        return Err(Failure::Partly);
    }
    Ok(())
}

/// The best classes of a photo, and its logits if asked for.
struct Label {
    top: Vec<kennel_metrics::RankedClass>,
    logits: Option<Vec<f32>>,
}

fn prepare(
    source: &PhotoSource,
    preprocessing: Option<&Preprocessing>,
) -> Result<(Prepared, Vec<Note>), DataError> {
    let decoded = source.read()?;
    Ok(match preprocessing {
        None => (Prepared::Photo(decoded.photo), decoded.notes),
        Some(preprocessing) => {
            (Prepared::Pixels(resize::prepare(&decoded.photo, preprocessing)), decoded.notes)
        }
    })
}

impl PredictArgs {
    fn engine(&self) -> Result<Engine, Failure> {
        if let Some(path) = &self.onnx {
            return Ok(Engine::File(Box::new(self.file.open(path, AT_ONCE)?)));
        }
        let compute = self.device.open()?;
        let predictor = match &self.weights {
            Some(weights) => {
                let model = self.chosen.model.as_deref().ok_or_else(|| {
                    Failure::Usage("which network do the weights belong to? give --model NAME".into())
                })?;
                network::weights(kennel_models::architecture(model)?, Some(weights), || Ok(()))?;
                Predictor::of_weights(model, Some(weights), &compute)?
            }
            None if self.chosen.run.is_none() && self.chosen.model.is_none() => {
                return Err(Failure::Usage(
                    "by which network? give --run RUN, --model NAME or --onnx FILE".into(),
                ));
            }
            None => Predictor::of_run(&self.chosen.open()?, &compute)?,
        };
        if let Some(note) = predictor.note() {
            say!("note: {note}");
        }
        Ok(Engine::Network(Box::new(predictor)))
    }

    fn row(&self, path: String, label: Result<Label, String>) -> Row {
        match label {
            Err(error) => Row::Unreadable { path, error },
            Ok(Label { top, logits }) => {
                let first = &top[0];
                let is_sure = first.probability >= self.min_confidence;
                let (label, probability) = (is_sure.then(|| first.label.clone()), first.probability);
                Row::Seen { path, label, probability, top, logits }
            }
        }
    }
}

impl Engine {
    fn class_names(&self) -> &[String] {
        match self {
            Engine::Network(predictor) => predictor.class_names(),
            Engine::File(file) => &file.described().class_names,
        }
    }

    /// Returns the preprocessing; none if the engine does it itself.
    fn preprocessing(&self) -> Option<Preprocessing> {
        match self {
            Engine::Network(predictor) => Some(predictor.preprocessing().clone()),
            Engine::File(file) if file.takes() == Takes::Photo => None,
            Engine::File(file) => Some(file.described().preprocessing.clone()),
        }
    }

    /// Labels the photos that could be read and keeps the order.
    fn label(
        &mut self,
        prepared: Vec<Result<Prepared, String>>,
        class_names: &[String],
        args: &PredictArgs,
    ) -> Result<Vec<Result<Label, String>>, Failure> {
        let (mut pixels, mut count) = (Vec::new(), 0);
        for photo in &prepared {
            if let Ok(Prepared::Pixels(planes)) = photo {
                pixels.extend_from_slice(planes);
                count += 1;
            }
        }
        let mut logits = match self {
            _ if count == 0 => Vec::new(),
            Engine::Network(predictor) => predictor.logits(pixels, count),
            Engine::File(file) => file.answers(&pixels, count)?,
        }
        .into_iter();
        let temperature = match self {
            Engine::Network(predictor) => predictor.temperature(),
            Engine::File(file) => file.described().temperature,
        };
        let mut labels = Vec::with_capacity(prepared.len());
        for photo in prepared {
            labels.push(match photo {
                Err(error) => Err(error),
                Ok(Prepared::Pixels(_)) => {
                    let logits = logits.next().expect("a row for every photo that was read");
                    match logits.iter().position(|logit| !logit.is_finite()) {
                        Some(class) => Err(format!(
                            "no label: the logit of class `{}` is {}, expected a finite number",
                            class_names[class], logits[class]
                        )),
                        None => {
                            let top = rank(&logits, class_names, temperature, args.top);
                            Ok(Label { top, logits: args.logits.then_some(logits) })
                        }
                    }
                }
                Ok(Prepared::Photo(photo)) => {
                    let Engine::File(file) = self else { unreachable!("networks take pixels") };
                    match file.probabilities(&photo) {
                        // A photo too large for the file's runtime fails alone.
                        Err(error @ OnnxError::Runtime { .. }) => Err(in_a_row(&error)),
                        scores => {
                            let scores = scores?;
                            let probabilities: Vec<f64> = scores.iter().map(|&p| f64::from(p)).collect();
                            let top = rank_probabilities(&scores, &probabilities, class_names, args.top);
                            Ok(Label { top, logits: None })
                        }
                    }
                }
            });
        }
        Ok(labels)
    }
}
