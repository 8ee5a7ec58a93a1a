//! The model card of an exported file.

use std::path::Path;

use kennel_core::{CoreError, RunDir, RunRecord, Settings, Split, Weights, files};
use kennel_metrics::{Proportion, evaluate, temperature_of};
use kennel_models::{architecture, locate_weights};
use kennel_onnx::{ModelCard, Precision};

use crate::Result;

/// Builds the card of a finished run. Its validation accuracy is the trained network's until the
/// file itself has run; a cross-validated run, which trained on those photos too, has none.
///
/// # Errors
///
/// A run that is unfinished or has a damaged file.
pub fn card(run: &RunDir, record: &RunRecord, precision: Precision) -> Result<ModelCard> {
    run.check_finished()?;
    let RunRecord { settings, facts } = record;
    let class_names = facts.class_names.clone();
    let manifest = run.read_manifest()?;
    let of = |split: Split| -> Result<Option<Proportion>> {
        let records = run.read_predictions(split, &class_names, &manifest)?;
        let evaluation = records.map(|records| evaluate(&records, &class_names)).transpose()?;
        Ok(evaluation.map(|evaluation| evaluation.accuracy))
    };
    let held_out = run.read_calibration(&class_names, &manifest)?;
    let held_out = held_out.ok_or_else(|| CoreError::Malformed {
        path: run.path().into(),
        what: "finished run",
        reason: "its predictions of the validation photos are gone".into(),
    })?;
    let temperature = temperature_of(&held_out, &class_names)?;
    let (val_accuracy, test_accuracy) = (of(Split::Val)?, of(Split::Test)?);
    let view = settings.test_view();
    Ok(ModelCard {
        preprocessing: view.preprocessing,
        test_flip: view.flip,
        temperature,
        architecture: settings.model.clone(),
        weights: weights_name(settings.weights.as_str()),
        weights_licence: licence(settings),
        precision,
        run: run.name(),
        run_sha256: digest(run)?,
        val_accuracy,
        test_accuracy,
        unknown: None,
        class_names,
    })
}

/// Returns what `sha256sum config.toml manifest.json checkpoints/best.safetensors | sha256sum`
/// prints in the run's directory.
fn digest(run: &RunDir) -> Result<String, CoreError> {
    let mut lines = String::new();
    for name in ["config.toml", "manifest.json", "checkpoints/best.safetensors"] {
        lines += &format!("{}  {name}\n", files::sha256_file(&run.path().join(name))?);
    }
    Ok(files::sha256_bytes(lines.as_bytes()))
}

/// Returns the name of the weights that training started from, without the folders of its machine.
fn weights_name(weights: &str) -> String {
    match Path::new(weights).file_name() {
        Some(name) if weights.contains(['/', '\\']) => name.to_string_lossy().into_owned(),
        _ => weights.into(),
    }
}

/// Returns the licence of the pretrained weights, as far as it is stated on this machine.
fn licence(settings: &Settings) -> String {
    let Weights::Pretrained(weights) = &settings.weights else {
        return "none: trained from random weights".into();
    };
    let known = || {
        let architecture = architecture(&settings.model).ok()?;
        let named = || {
            architecture.tags().find(|tag| tag.name() == *weights).map(|tag| tag.licence.clone())
        };
        named().or_else(|| locate_weights(architecture, Some(weights)).ok()?.licence)
    };
    known().unwrap_or_else(|| "unknown".into())
}
