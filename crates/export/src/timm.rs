//! Export for Python: a folder that `timm.create_model("local-dir:DIR", pretrained=True)` loads.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use kennel_core::{CoreError, RunDir, files};
use kennel_models::{
    Checkpoint, architecture, load_trained, locate_weights, read_checkpoint, write_checkpoint,
};
use serde_json::json;

use crate::export::scratch_beside;
use crate::{ExportError, Result, provenance};

/// A timm model folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimmFolder {
    /// Path of the folder.
    pub path: PathBuf,
    /// Number of tensors in it.
    pub tensors: usize,
}

/// Files of such a folder.
const FILES: [&str; 2] = ["model.safetensors", "config.json"];

/// Writes a finished run's best epoch as a timm model folder: `model.safetensors`, and
/// `config.json` with `pretrained_cfg` and `label_names`. Reads the draft back and compares it with
/// the run, tensor by tensor, before giving it its name.
///
/// Source: `save_for_hf` and `load_model_config_from_path` of timm 1.0.
///
/// # Errors
///
/// [`ExportError::InTheWay`] when something else is at the path;
/// [`ExportError::ReadsBackDifferently`] when a tensor differs; errors of an unfinished or damaged
/// run.
pub fn export_timm(run: &RunDir, folder: &Path) -> Result<TimmFolder> {
    let is_empty =
        |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let is_ours = |folder: &Path| FILES.iter().all(|name| folder.join(name).is_file());
    if folder.exists() && !is_empty(folder) && !is_ours(folder) {
        let what = if folder.is_dir() { "a folder that is not empty" } else { "a file" };
        return Err(ExportError::InTheWay { what, path: folder.into() });
    }
    let (network, record) = load_trained(run, &Device::flex())?;
    let settings = &record.settings;
    let card = provenance::card(run, &record, kennel_onnx::Precision::Float32)?;
    let Checkpoint { tensors, batches_tracked, .. } = read_checkpoint(&run.best_weights())?;
    let architecture = network.architecture();
    let head = architecture.head;
    let classes = card.class_names.len();
    let features = tensors[&format!("{head}.weight")].shape[1];
    // The accuracies below are those of the test view, and so is what the folder describes.
    let preprocessing = &card.preprocessing;
    let side = preprocessing.side_px;
    let scratch = scratch_beside(folder)?;
    let draft = scratch.path().join("timm");
    files::create_dir_all(&draft)?;
    let weights = draft.join("model.safetensors");
    write_checkpoint(&weights, &tensors, &batches_tracked, None)?;
    let mut description = json!({
        "architecture": settings.model,
        "num_classes": classes,
        "num_features": features,
        "global_pool": architecture.global_pool,
        "label_names": card.class_names,
        "pretrained_cfg": {
            "tag": format!("kennel_{}", settings.method),
            "custom_load": false,
            "input_size": [3, side, side],
            "fixed_input_size": (architecture.side_step_px > 1),
            "interpolation": preprocessing.interpolation,
            "crop_pct": preprocessing.crop_pct,
            "crop_mode": preprocessing.crop_mode,
            "mean": preprocessing.mean,
            "std": preprocessing.std,
            "num_classes": classes,
            "first_conv": architecture.first_conv,
            "classifier": head,
            "license": card.weights_licence,
        },
        "kennel": {
            "weights": card.weights,
            "run": card.run,
            "run_sha256": card.run_sha256,
            "val_accuracy": card.val_accuracy,
            "test_accuracy": card.test_accuracy,
            "temperature": card.temperature,
            "weights_sha256": files::sha256_file(&weights)?,
        },
    });
    if card.test_flip {
        description["kennel"]["test_flip"] = true.into();
    }
    files::write_json(&draft.join("config.json"), &description)?;
    check(&draft, &settings.model, &tensors)?;
    if is_ours(folder) {
        // The same command may have written these files and been stopped before it reported.
        for name in FILES {
            if files::sha256_file(&folder.join(name))? != files::sha256_file(&draft.join(name))? {
                let what = "a folder that is not empty";
                return Err(ExportError::InTheWay { what, path: folder.into() });
            }
        }
        return Ok(TimmFolder { path: folder.into(), tensors: tensors.len() });
    }
    if folder.exists() {
        std::fs::remove_dir(folder).map_err(CoreError::io("replace", folder))?;
    }
    std::fs::rename(&draft, folder).map_err(CoreError::io("write", folder))?;
    Ok(TimmFolder { path: folder.into(), tensors: tensors.len() })
}

/// Reads the folder like any other timm model folder and compares its tensors.
fn check(folder: &Path, model: &str, expected: &kennel_models::StateDict) -> Result<()> {
    let source = locate_weights(architecture(model)?, Some(&folder.to_string_lossy()))?;
    let found = source.read()?.tensors;
    let differs = expected.iter().find(|(name, value)| found.get(*name) != Some(value));
    match differs {
        None if found.len() == expected.len() => Ok(()),
        None => Err(ExportError::ReadsBackDifferently {
            path: source.file,
            reason: format!("{} tensors, expected {}", found.len(), expected.len()),
        }),
        Some((name, _)) => Err(ExportError::ReadsBackDifferently {
            path: source.file,
            reason: format!("tensor `{name}`"),
        }),
    }
}
