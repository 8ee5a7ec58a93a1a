//! From a run to a file with a name.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::Device;
use kennel_core::{CoreError, RunDir, Split, files};
use kennel_models::{describe, load_trained};
use kennel_onnx::photo_input::with_photo_input;
use kennel_onnx::{ModelCard, ModelProto, Precision, half, weights_path, write_model, write_model_apart};

use crate::int8::{CALIBRATION_PHOTOS, Int8};
use crate::parity::{self, Parity, RuntimeParity};
use crate::proof::Reference;
use crate::{ExportError, Loss, Result, graph, photos, provenance};

/// Largest difference of a float file's logits from the trained network's, over the largest logit.
const FLOAT_TOLERANCE: f64 = 1e-4;
/// Layers that are named when an int8 file lost too much.
const WORST_LAYERS: usize = 8;

/// Which file is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportOptions {
    /// Its name.
    pub path: PathBuf,
    /// In what it is written.
    pub precision: Precision,
    /// Whether it takes photos in place of pixels.
    pub photo_input: bool,
    /// Whether its weights lie in a second file.
    pub external_data: bool,
    /// Points of validation accuracy that a file may lose that is not plain floats over pixels.
    pub max_drop: f64,
    /// With int8: layers, or prefixes of them, that stay in floats besides those that always do.
    pub float_layers: Vec<String>,
    /// Where the run's photos lie now.
    pub photos: PhotoSource,
}

impl ExportOptions {
    /// Plain floats over pixels in one file.
    pub fn float(path: PathBuf) -> Self {
        Self {
            path,
            precision: Precision::Float32,
            photo_input: false,
            external_data: false,
            max_drop: 1.0,
            float_layers: Vec::new(),
            photos: PhotoSource::AsTrained,
        }
    }
}

/// Where a run's photos lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PhotoSource {
    /// Where they lay in training.
    #[default]
    AsTrained,
    /// In this folder.
    Moved(PathBuf),
}

/// A file that was proved and named.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Its weights, where they lie apart.
    pub weights: Option<PathBuf>,
    /// Its proof, which stands in `parity.json` beside it too.
    pub parity: Parity,
    /// What it says of itself.
    pub card: ModelCard,
}

/// Writes a finished run's best epoch as an ONNX file, runs it on the run's validation photos beside the trained network, and
/// names it when it holds. `tell` is told what is being done; `stop` ends it between two batches of photos.
///
/// # Errors
///
/// [`ExportError::NotEqual`] or [`ExportError::LostTooMuch`] when the file does not hold; [`ExportError::NotProved`] when nothing
/// on this machine runs it; a run, photos or folder that fail. What was there under the name stays then.
pub fn export(
    run: &RunDir,
    options: &ExportOptions,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&str),
) -> Result<Exported> {
    if options.path.is_dir() {
        return Err(ExportError::InTheWay { what: "a folder", path: options.path.clone() });
    }
    let (network, config) = load_trained(run, &Device::flex())?;
    let network = network.valid();
    let mut card = provenance::card(run, &config, options.precision)?;
    let moved = match &options.photos {
        PhotoSource::AsTrained => None,
        PhotoSource::Moved(folder) => Some(folder.as_path()),
    };
    let data = photos::open(run, &config, moved)?;
    let val = photos::some_of(&data, Split::Val, usize::MAX)?;
    if val.is_empty() {
        return Err(ExportError::NoPhotos { run: run.path().into() });
    }
    let folder = match options.path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::create_dir_all(folder)?;
    // A list that is damaged is better found before the work.
    parity::read(folder)?;
    let io = |error| CoreError::io("write", folder)(error);
    let scratch = tempfile::Builder::new().prefix(".exporting-").tempdir_in(folder).map_err(io)?;

    tell(&format!("the trained network on {} validation photos", val.len()));
    let preprocessing = &config.preprocessing;
    let reference = Reference::of(&network, val, preprocessing, card.temperature, stop)?;
    card.val_accuracy = Some(reference.accuracy());
    let classes = card.class_names.len();
    let float = graph::to_onnx(&describe(&network), &config.model, preprocessing.side_px, classes);
    let calibration;
    let int8 = match options.precision {
        Precision::Int8 => {
            let train = photos::some_of(&data, Split::Train, CALIBRATION_PHOTOS)?;
            tell(&format!("ranges of every tensor on {} training photos", train.len()));
            calibration =
                Int8::calibrate(&float, &options.float_layers, &train, preprocessing, scratch.path(), stop)?;
            Some(&calibration)
        }
        _ => None,
    };
    let mut model = match (options.precision, int8) {
        (Precision::Int8, Some(int8)) => int8.model()?,
        (Precision::Float16, _) => half::to_half(&float)?,
        _ => float.clone(),
    };
    if options.photo_input {
        model = with_photo_input(&model, preprocessing, card.temperature, classes)?;
    }

    let name = options.path.file_name().unwrap_or_default();
    let draft = scratch.path().join(name);
    write(&draft, &mut model, &card, options)?;
    tell("the file on the same photos");
    let (runtimes, not_run) = reference.compare(&draft)?;
    if runtimes.is_empty() {
        let reasons = not_run.iter().map(|(runtime, reason)| format!("\n  {runtime}: {reason}")).collect();
        return Err(ExportError::NotProved { reasons });
    }
    for found in &runtimes {
        judge(found, reference.accuracy(), options, int8)?;
    }
    // The graph is proved; what it says of itself is now known to the end.
    let of_file = runtimes.iter().map(|found| found.accuracy).min_by(|a, b| a.value.total_cmp(&b.value));
    if card.val_accuracy != of_file {
        card.val_accuracy = of_file;
        write(&draft, &mut model, &card, options)?;
    }

    let apart = options.external_data.then(|| weights_path(&draft));
    let size = |path: &Path| {
        std::fs::metadata(path).map(|metadata| metadata.len()).map_err(CoreError::io("read", path))
    };
    let parity = Parity {
        sha256: files::sha256_file(&draft)?,
        weights_sha256: apart.as_deref().map(files::sha256_file).transpose()?,
        size_bytes: size(&draft)? + apart.as_deref().map_or(Ok(0), size)?,
        precision: options.precision.as_str().into(),
        input: if options.photo_input { "photo" } else { "pixels" }.into(),
        run: run.name(),
        photos: reference.accuracy().n,
        network_accuracy: reference.accuracy(),
        runtimes,
        not_run,
    };
    let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(CoreError::io("write", to));
    // The graph last: it is what makes the weights worth anything.
    let weights = apart.as_deref().map(|from| (from, weights_path(&options.path)));
    if let Some((from, to)) = &weights {
        rename(from, to)?;
    }
    rename(&draft, &options.path)?;
    parity::add(folder, &name.to_string_lossy(), &parity)?;
    Ok(Exported { path: options.path.clone(), weights: weights.map(|(_, to)| to), parity, card })
}

fn write(path: &Path, model: &mut ModelProto, card: &ModelCard, options: &ExportOptions) -> Result<()> {
    card.write_into(model);
    match options.external_data {
        true => write_model_apart(path, model)?,
        false => write_model(path, model)?,
    }
    Ok(())
}

/// Plain floats over pixels must be the network itself; anything else may lose a little.
fn judge(
    found: &RuntimeParity,
    expected: kennel_metrics::Proportion,
    options: &ExportOptions,
    int8: Option<&Int8>,
) -> Result<()> {
    if options.precision == Precision::Float32 && !options.photo_input {
        let all_agree = found.agreement.correct == found.agreement.n;
        if all_agree && found.relative_difference() <= FLOAT_TOLERANCE {
            return Ok(());
        }
        return Err(ExportError::NotEqual {
            runtime: found.runtime.clone(),
            difference: found.relative_difference(),
            agreement: format!("{}/{}", found.agreement.correct, found.agreement.n),
        });
    }
    // In photos, not in shares: 1 point of 117 photos is 1.17 photos, and so 1.
    let lost = expected.correct.saturating_sub(found.accuracy.correct) as f64;
    if lost <= options.max_drop / 100.0 * expected.n as f64 {
        return Ok(());
    }
    let mut worst = int8.map(Int8::worst).transpose()?.unwrap_or_default();
    worst.truncate(WORST_LAYERS);
    Err(ExportError::LostTooMuch(Box::new(Loss {
        flavour: flavour(options),
        runtime: found.runtime.clone(),
        found: found.accuracy,
        expected,
        max_drop: options.max_drop,
        worst,
    })))
}

fn flavour(options: &ExportOptions) -> String {
    let precision = match options.precision {
        Precision::Float32 => "",
        Precision::Float16 => "fp16",
        Precision::Int8 => "int8",
    };
    let input = if options.photo_input { "--input photo" } else { "" };
    [precision, input].iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}
