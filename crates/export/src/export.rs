//! Exports a finished run as an ONNX file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn::module::Module;
use kennel_core::hint::Describe;
use kennel_core::scratch::Scratch;
use kennel_core::task::{Event, Stage};
use kennel_core::{CoreError, RunDir, Split, Task, files};
use kennel_infer::{Compute, Predictor, UnknownTeller};
use kennel_metrics::Proportion;
use kennel_models::{describe, load_trained};
use kennel_onnx::photo_input::with_photo_input;
use kennel_onnx::{
    ModelCard, ModelProto, Precision, UnknownCard, half, weights_beside, write_model,
    write_model_apart,
};
use kennel_unknown::{MIN_KNOWN_PHOTOS, Unknown, threshold};

use crate::int8::{CALIBRATION_PHOTOS, Int8, Layers};
use crate::mirrored::with_mirror;
use crate::parity::{self, Parity, RuntimeParity};
use crate::proof::{Found, Reference};
use crate::unknown::{late_outputs, with_trunk, with_unknown};
use crate::{ExportError, Loss, Result, graph, photos, provenance};

/// Largest allowed difference between a float file's logits and the trained network's, relative to
/// the largest logit.
const FLOAT_TOLERANCE: f64 = 1e-4;
/// Largest allowed difference between a float file's unknown scores and the trained network's,
/// relative to the score: variances are small beside the features.
const UNKNOWN_TOLERANCE: f64 = 1e-3;
/// Number of layers to list when an int8 file loses too much accuracy.
const WORST_LAYERS: usize = 8;

/// What to export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportOptions {
    /// Path of the file.
    pub path: PathBuf,
    /// Numeric precision of the file.
    pub precision: Precision,
    /// Whether the graph takes photos instead of normalised pixels.
    pub photo_input: bool,
    /// Whether the weights go into a second file.
    pub external_data: bool,
    /// Percentage points of validation accuracy that the file may lose. Float32 over pixels must
    /// equal the network instead.
    pub max_drop: f64,
    /// With int8: layers, or prefixes of several, to keep in floats besides those that always stay
    /// there.
    pub float_layers: Vec<String>,
    /// Folder that holds the run's photos now; `None` for the one that training used.
    pub data_dir: Option<PathBuf>,
}

impl ExportOptions {
    /// Returns options for one float32 file that takes pixels.
    pub fn float(path: PathBuf) -> Self {
        Self {
            path,
            precision: Precision::Float32,
            photo_input: false,
            external_data: false,
            max_drop: 1.0,
            float_layers: Vec::new(),
            data_dir: None,
        }
    }
}

/// An exported file that passed its proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Path of the file.
    pub path: PathBuf,
    /// Path of the separate weights file, if there is one.
    pub weights: Option<PathBuf>,
    /// What it says of itself.
    pub card: ModelCard,
    /// Its proof, which `parity.json` beside it also holds.
    pub parity: Parity,
    /// The run whose file this one replaced, if it was another run.
    pub replaced: Option<String>,
}

/// Exports a finished run's best epoch as an ONNX file.
///
/// Runs the file on the run's validation photos and compares it with the trained network. Gives the
/// file its name only when it passes. `wording` says why a runtime did not run, for
/// `parity.json`. `task` hears of every stage, and stops the export between two batches of photos.
///
/// # Errors
///
/// [`ExportError::NotEqual`], [`ExportError::UnknownNotEqual`] or [`ExportError::LostTooMuch`] when
/// the file does not pass; [`ExportError::NotProved`] when nothing on this machine can run it;
/// errors of the run, its photos or the folder. An existing file at the path then stays.
pub fn export(
    run: &RunDir,
    options: &ExportOptions,
    wording: Describe<'_>,
    task: Task<'_>,
) -> Result<Exported> {
    if options.path.is_dir() {
        return Err(ExportError::InTheWay { what: "a folder", path: options.path.clone() });
    }
    let (network, record) = load_trained(run, Compute::cpu().device())?;
    let settings = &record.settings;
    let network = network.valid();
    let mut card = provenance::card(run, &record, options.precision)?;
    let view = settings.test_view();
    let preprocessing = &view.preprocessing;
    let classes = card.class_names.len();
    let described = describe(&network, preprocessing.side_px);
    let float = graph::to_onnx(&described, &settings.model, preprocessing.side_px, classes);
    let layers = Layers::of(&float, &described, &options.float_layers)?;
    let teller = UnknownTeller::of_run(run, Compute::cpu().device())?;
    let unknown = teller.as_ref().map(|teller| teller.unknown.clone());
    let trunk = teller
        .as_ref()
        .and_then(|teller| teller.trunk.as_ref())
        .map(|trunk| describe(trunk, preprocessing.side_px));
    let mut late = late_outputs(&described);
    // It holds a copy of all weights.
    drop(described);
    // A cross-validated run may have no validation photos. It trained on them in any case: they
    // prove that file and network agree, and say nothing about how good it is.
    let has_val = run.read_manifest()?.counts(None).val > 0;
    let proof = if has_val || settings.folds.is_none() { Split::Val } else { Split::Train };
    let parts = match options.precision {
        Precision::Int8 => &[proof, Split::Train][..],
        _ => &[proof],
    };
    let (data, gone) = photos::open(run, settings, parts, options.data_dir.as_deref())?;
    let photos = photos::some_of(&data, proof, usize::MAX)?;
    if photos.is_empty() {
        return Err(ExportError::NoPhotos { run: run.path().into() });
    }
    let folder = files::folder_of(&options.path);
    let scratch = scratch_beside(&options.path)?;
    // Find a damaged `parity.json` before the work starts.
    parity::read(folder)?;

    if gone > 0 {
        task.tell(Event::PhotosGone(gone));
    }
    task.tell(Event::Stage(Stage::RunNetwork { photos: photos.len() }));
    let reference = {
        let names = card.class_names.clone();
        let mut network =
            Predictor::new(network, view.clone(), names, card.temperature, &Compute::cpu())
                .with_unknown(teller);
        Reference::of(&mut network, photos, task)?
    };
    // A network that was trained again has seen the validation photos.
    let is_validated = settings.folds.is_none() && !settings.refit;
    card.val_accuracy = is_validated.then(|| reference.accuracy());
    let int8 = match options.precision {
        Precision::Int8 => {
            let train = photos::some_of(&data, Split::Train, CALIBRATION_PHOTOS)?;
            task.tell(Event::Stage(Stage::Calibrate { photos: train.len() }));
            Some(Int8::calibrate(&float, layers, &train, preprocessing, scratch.path(), task)?)
        }
        _ => None,
    };
    let mut model = match (&int8, options.precision) {
        (Some(int8), _) => int8.model()?,
        (None, Precision::Float16) => half::to_half(&float)?,
        (None, _) => float.clone(),
    };
    if view.flip {
        model = with_mirror(model, classes);
    }
    if options.photo_input {
        model = with_photo_input(&model, preprocessing, card.temperature, classes)?;
    }
    if let Some(unknown) = &unknown {
        if let Some(trunk) = &trunk {
            (model, late) = with_trunk(model, trunk, preprocessing.side_px);
        }
        let is_doubled = view.flip && trunk.is_none();
        model = with_unknown(&model, &late, unknown, options.photo_input, is_doubled)?;
        let Unknown { share, threshold, .. } = *unknown;
        card.unknown = Some(UnknownCard { share, threshold });
    }

    prove(Draft { model, card, int8, scratch: &scratch }, &reference, options, wording, task)
}

/// A model that has not been compared with its network yet.
pub struct Draft<'a> {
    /// The graph.
    pub model: ModelProto,
    /// Its metadata; the validation accuracy is the network's.
    pub card: ModelCard,
    /// How it was quantised, if it was.
    pub int8: Option<Int8<'a>>,
    /// Where it is written until it has passed.
    pub scratch: &'a Scratch,
}

/// Writes a draft, compares it with the trained network in every runtime, and gives it its name
/// when it passes.
///
/// # Errors
///
/// As [`export`].
pub fn prove(
    draft: Draft<'_>,
    reference: &Reference<'_>,
    options: &ExportOptions,
    wording: Describe<'_>,
    task: Task<'_>,
) -> Result<Exported> {
    let Draft { mut model, mut card, int8, scratch } = draft;
    let folder = files::folder_of(&options.path);
    let name = options.path.file_name().unwrap_or_default();
    let draft = scratch.path().join(name);
    let mut weights = write(&draft, &mut model, &card, options)?;
    task.tell(Event::Stage(Stage::RunFile));
    let (found, not_run) = reference.compare(&draft, wording)?;
    let has_new_threshold = set_threshold(&mut card, &found, options);
    let runtimes: Vec<RuntimeParity> =
        found.into_iter().map(|found| reference.with_unknown(found, card.unknown)).collect();
    if runtimes.is_empty() {
        let reasons =
            not_run.iter().map(|(runtime, reason)| format!("\n  {runtime}: {reason}")).collect();
        return Err(ExportError::NotProved { reasons });
    }
    for found in &runtimes {
        if let Some(loss) = judge(found, reference.accuracy(), options)? {
            let mut worst = Vec::new();
            if let Some(int8) = &int8 {
                task.tell(Event::Stage(Stage::FindWorstLayers));
                worst = int8.worst()?;
                worst.truncate(WORST_LAYERS);
            }
            return Err(ExportError::LostTooMuch(Box::new(Loss { worst, ..loss })));
        }
    }
    // The graph is proved. Its card must state the file's own accuracy, which is known only now.
    let of_file =
        runtimes.iter().map(|found| found.accuracy).min_by(|a, b| a.value.total_cmp(&b.value));
    // A run without validation photos says nothing about its accuracy on them.
    let of_file = of_file.filter(|_| card.val_accuracy.is_some());
    if card.val_accuracy != of_file || has_new_threshold {
        card.val_accuracy = of_file;
        weights = write(&draft, &mut model, &card, options)?;
    }

    let size = |path: &Path| {
        std::fs::metadata(path).map(|metadata| metadata.len()).map_err(CoreError::io("read", path))
    };
    let parity = Parity {
        sha256: files::sha256_file(&draft)?,
        weights_sha256: weights.as_deref().map(files::sha256_file).transpose()?,
        size_bytes: size(&draft)? + weights.as_deref().map_or(Ok(0), size)?,
        precision: options.precision.as_str().into(),
        input: if options.photo_input { "photo" } else { "pixels" }.into(),
        run: card.run.clone(),
        photos: reference.accuracy().n,
        network_accuracy: reference.accuracy(),
        runtimes,
        not_run,
    };
    let was_there = options.path.exists();
    let (weights, of_before) = name_draft(&draft, weights.as_deref(), &options.path)?;
    let older = parity::add(folder, &name.to_string_lossy(), &parity)?;
    remove(&of_before)?;
    let replaced = older.map(|older| older.run).filter(|run| was_there && *run != parity.run);
    Ok(Exported { path: options.path.clone(), weights, card, parity, replaced })
}

/// Takes the threshold of unknown photos from the file's own scores of the validation photos, unless
/// it must equal the network: scores of smaller numbers lie elsewhere. Returns whether the card has
/// changed.
fn set_threshold(card: &mut ModelCard, found: &[Found], options: &ExportOptions) -> bool {
    let (Some(unknown), Some(first)) = (&mut card.unknown, found.first()) else { return false };
    let is_exact = options.precision == Precision::Float32 && !options.photo_input;
    if is_exact || first.unknown.len() < MIN_KNOWN_PHOTOS {
        return false;
    }
    unknown.threshold = threshold(&first.unknown, unknown.share);
    true
}

/// Creates a hidden folder beside `path`, on the same file system. Files made in it are renamed
/// into place, or removed with it.
pub fn scratch_beside(path: &Path) -> Result<Scratch> {
    let folder = files::folder_of(path);
    files::create_dir_all(folder)?;
    Ok(Scratch::new_in(folder, ".exporting-")?)
}

/// Renames a proved draft, and its separate weights if there are any, into place. Returns the path
/// of the weights, and the weights files that no graph needs any more.
///
/// Weights files with different contents have different names. So new weights get their name before
/// the graph that needs them, and the old ones can be removed after it. Whenever the export is
/// interrupted, the graph in place has its own weights.
fn name_draft(
    draft: &Path,
    weights: Option<&Path>,
    path: &Path,
) -> Result<(Option<PathBuf>, BTreeSet<PathBuf>)> {
    let rename =
        |from: &Path, to: &Path| std::fs::rename(from, to).map_err(CoreError::io("write", to));
    let mut others = weights_beside(path)?;
    let named = weights.map(|weights| path.with_file_name(weights.file_name().unwrap_or_default()));
    if let (Some(weights), Some(named)) = (weights, &named) {
        rename(weights, named)?;
        others.remove(named);
    }
    rename(draft, path)?;
    Ok((named, others))
}

fn remove(files: &BTreeSet<PathBuf>) -> Result<()> {
    for file in files {
        match std::fs::remove_file(file) {
            // Already missing: the old graph had lost its weights.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.map_err(CoreError::io("remove", file))?,
        }
    }
    Ok(())
}

/// Writes a draft. Returns the path of its weights if they are in a separate file.
fn write(
    path: &Path,
    model: &mut ModelProto,
    card: &ModelCard,
    options: &ExportOptions,
) -> Result<Option<PathBuf>> {
    card.write_into(model);
    Ok(match options.external_data {
        true => Some(write_model_apart(path, model)?),
        false => {
            write_model(path, model)?;
            None
        }
    })
}

/// Judges a file's results in one runtime. Float32 over pixels must equal the network; any other
/// file may lose a little accuracy. Returns the loss when it is too large.
fn judge(
    found: &RuntimeParity,
    expected: Proportion,
    options: &ExportOptions,
) -> Result<Option<Loss>> {
    if options.precision == Precision::Float32 && !options.photo_input {
        if let Some(unknown) = found.unknown.filter(|u| u.relative_difference > UNKNOWN_TOLERANCE) {
            return Err(ExportError::UnknownNotEqual {
                runtime: found.runtime.clone(),
                difference: unknown.relative_difference,
            });
        }
        let all_agree = found.agreement.correct == found.agreement.n;
        if all_agree && found.relative_difference() <= FLOAT_TOLERANCE {
            return Ok(None);
        }
        return Err(ExportError::NotEqual {
            runtime: found.runtime.clone(),
            difference: found.relative_difference(),
            agreement: format!("{}/{}", found.agreement.correct, found.agreement.n),
        });
    }
    // Compare photos, not shares: 1 point of 117 photos is 1.17 photos, so one photo may be lost.
    let lost = expected.correct.saturating_sub(found.accuracy.correct) as f64;
    let is_within = 100.0 * lost <= options.max_drop * expected.n as f64;
    Ok((!is_within).then(|| Loss {
        flavour: flavour(options),
        runtime: found.runtime.clone(),
        found: found.accuracy,
        expected,
        max_drop: options.max_drop,
        worst: Vec::new(),
    }))
}

fn flavour(options: &ExportOptions) -> String {
    let input = options.photo_input.then_some("photo-input");
    options.precision.short_name().into_iter().chain(input).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use kennel_core::{Hint, Hinted};
    use kennel_onnx::builder::{self, Extent, GraphBuilder};
    use kennel_onnx::proto::ElementType;
    use kennel_onnx::read_model;

    use super::*;

    /// A graph with 2,400 bytes of weights.
    fn graph(value: f32) -> ModelProto {
        let mut graph = GraphBuilder::new("small");
        let shape = [Extent::Named("batch"), Extent::Fixed(600)];
        graph.input("input", ElementType::Float, &shape);
        let weights = graph.floats("weights", &[600], &[value; 600]);
        graph.node("Add", "output", &["input", &weights], []);
        graph.output("output", ElementType::Float, &shape);
        builder::model(graph.finish())
    }

    #[test]
    fn a_graph_has_its_own_weights_wherever_an_export_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.onnx");
        let draft = |value| {
            let scratch = tempfile::tempdir_in(&dir).unwrap();
            let draft = scratch.path().join("m.onnx");
            let weights = write_model_apart(&draft, &graph(value)).unwrap();
            (scratch, draft, weights)
        };
        let name = |value| {
            let (_scratch, draft, weights) = draft(value);
            let (named, of_before) = name_draft(&draft, Some(&weights), &path).unwrap();
            remove(&of_before).unwrap();
            named.unwrap()
        };
        let files = || std::fs::read_dir(&dir).unwrap().count();
        let first = name(1.0);
        let second = name(2.0);
        assert!(first != second && !first.exists() && second.exists());
        assert_eq!(files(), 2);

        // Interrupted between the two renames: the old graph still has its old weights.
        let (scratch, _, weights) = draft(3.0);
        std::fs::rename(&weights, dir.path().join(weights.file_name().unwrap())).unwrap();
        drop(scratch);
        assert_eq!(files(), 3);
        read_model(&path).unwrap();
        // The next export removes the weights that no graph names.
        let fourth = name(4.0);
        assert!(fourth.exists() && files() == 2);
        read_model(&path).unwrap();

        // A file that holds its own weights needs none beside it.
        let scratch = tempfile::tempdir_in(&dir).unwrap();
        let whole = scratch.path().join("m.onnx");
        write_model(&whole, &graph(5.0)).unwrap();
        remove(&name_draft(&whole, None, &path).unwrap().1).unwrap();
        drop(scratch);
        assert_eq!(files(), 1);
    }

    fn found(correct: usize, agreeing: usize, max_difference: f64) -> RuntimeParity {
        RuntimeParity {
            runtime: "rten".into(),
            max_difference,
            max_value: 10.0,
            agreement: Proportion::new(agreeing, 1000),
            accuracy: Proportion::new(correct, 1000),
            unknown: None,
        }
    }

    #[test]
    fn floats_must_be_the_network_and_smaller_files_may_lose_what_was_allowed() {
        let expected = Proportion::new(990, 1000);
        let float = ExportOptions::float("m.onnx".into());
        assert_eq!(judge(&found(990, 1000, 0.9e-3), expected, &float).unwrap(), None);
        for (agreeing, difference) in [(999, 1e-6), (1000, 1.1e-3), (1000, f64::INFINITY)] {
            let error = judge(&found(990, agreeing, difference), expected, &float).unwrap_err();
            assert!(matches!(error, ExportError::NotEqual { .. }), "{error}");
        }
        let int8 = ExportOptions { precision: Precision::Int8, max_drop: 0.7, ..float };
        assert_eq!(
            judge(&found(983, 950, 5.0), expected, &int8).unwrap(),
            None,
            "7 of 1000 are 0.7 points"
        );
        let loss = judge(&found(982, 950, 5.0), expected, &int8).unwrap().unwrap();
        let said = loss.to_string();
        assert!(said.contains("982/1000") && said.contains("990/1000"), "{said}");
        let hints = ExportError::LostTooMuch(Box::new(loss)).hints();
        assert_eq!(hints, [Hint::AllowLoss { layers: Vec::new() }]);
    }
}
