//! Finds weights on this machine: a file, a timm model folder, a run, or the Hugging Face cache.
//! Downloads nothing.

use std::path::{Path, PathBuf};

use kennel_core::{
    CoreError, CropMode, Hint, Interpolation, Preprocessing, RunDir, RunRecord, TestView,
    did_you_mean, files, hub_cache, shown,
};
use serde::Deserialize;

use crate::trained::{best_weights_of, record_of};
use crate::{Architecture, Checkpoint, ModelError, Result, architectures, read_checkpoint};

/// Weights that were found, with their metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsSource {
    /// The name in the run's configuration: `arch.tag`, or the path that was asked for.
    pub name: String,
    /// The safetensors file.
    pub file: PathBuf,
    /// Preprocessing of photos for these weights, in training.
    pub preprocessing: Preprocessing,
    /// Crop share with which these weights are tested at another side, if stated.
    pub test_crop_pct: Option<f64>,
    /// How photos are shown to these weights with their own head.
    pub view: TestView,
    /// Licence, if stated.
    pub licence: Option<String>,
    /// Name of the Kennel run that they come from, as its checkpoint or as an export of it.
    pub fine_tuned_in: Option<String>,
    /// Class names of their head's outputs, in order, if stated.
    pub class_names: Option<Vec<String>>,
    /// Temperature that the logits of their head are divided by before the softmax, if stated.
    pub temperature: Option<f64>,
    /// SHA-256 of the file, if stated.
    pub sha256: Option<String>,
    /// A note for the user, if any.
    pub note: Option<String>,
}

impl WeightsSource {
    /// Reads the file and checks the digest, if one is stated.
    ///
    /// # Errors
    ///
    /// Those of [`read_checkpoint`]; [`ModelError::Malformed`] when the digest differs.
    pub fn read(&self) -> Result<Checkpoint> {
        let checkpoint = read_checkpoint(&self.file)?;
        match &self.sha256 {
            Some(stated) if *stated != checkpoint.sha256 => Err(ModelError::Malformed {
                path: self.file.clone(),
                reason:
                    "config.json beside it states another SHA-256: it is damaged, or was changed"
                        .into(),
            }),
            _ => Ok(checkpoint),
        }
    }
}

/// Finds weights for `architecture`. `asked` is a path, an `arch.tag`, a tag alone, or None for the
/// default.
///
/// # Errors
///
/// - [`ModelError::WeightsNotFound`] when they are not on this machine
/// - [`ModelError::NothingThere`] when nothing is at a path
/// - [`ModelError::Pickle`] when a folder has only a pickle
/// - [`ModelError::NoCheckpoint`] when the path is a run without a finished epoch
/// - [`ModelError::OtherArchitecture`] when the weights are of another architecture
/// - [`ModelError::Core`] when `config.json`, or a run's configuration, cannot be read or is
///   damaged
pub fn locate_weights(architecture: &Architecture, asked: Option<&str>) -> Result<WeightsSource> {
    if let Some(asked) = asked {
        let path = Path::new(asked);
        if path.is_dir() {
            return from_folder(architecture, asked, path);
        }
        if path.is_file() {
            return from_file(architecture, asked, path);
        }
    }
    // The hub's name for a timm model, unless a local folder has that name.
    let asked = asked.map(|asked| asked.strip_prefix("timm/").unwrap_or(asked));
    if let Some(asked) = asked {
        let path = Path::new(asked);
        if asked.contains(['/', '\\']) || asked.ends_with(".safetensors") || asked.ends_with(".pth")
        {
            return Err(ModelError::NothingThere {
                path: path.into(),
                default: architecture.default_tag().name(),
            });
        }
    }
    if let Some((other, _)) = asked.and_then(|asked| asked.split_once('.'))
        && other != architecture.name
        && architectures().iter().any(|known| known.name == other)
    {
        return Err(ModelError::OtherArchitecture {
            path: asked.unwrap_or_default().into(),
            found: other.into(),
            expected: architecture.name.into(),
        });
    }
    let name = tag_name(architecture, asked);
    let folder =
        hub_cache::hub_folder().map(|hub| hub_cache::repo_folder(&hub, &format!("timm/{name}")));
    let snapshot = folder
        .as_deref()
        .and_then(|folder| hub_cache::snapshot(folder, "main", &["model.safetensors"]));
    let Some(snapshot) = snapshot else {
        let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
        let meant = meant_tag(architecture, &name).map(Box::new);
        return Err(ModelError::WeightsNotFound {
            name,
            searched: format!("looked for {folder}"),
            meant,
        });
    };
    let mut found = from_folder(architecture, &name, &snapshot)?;
    if let Some(tag) = architecture.tags().find(|tag| tag.name() == name) {
        found.licence.get_or_insert_with(|| tag.licence.clone());
        found.test_crop_pct = found.test_crop_pct.or(tag.test_crop_pct);
    }
    Ok(found)
}

/// Returns the `arch.tag` that is meant by an `arch.tag`, a tag alone, or None for the default.
fn tag_name(architecture: &Architecture, asked: Option<&str>) -> String {
    let prefix = format!("{}.", architecture.name);
    match asked {
        None => architecture.default_tag().name(),
        Some(asked) if asked == architecture.name => architecture.default_tag().name(),
        Some(asked) if asked.starts_with(&prefix) => asked.into(),
        Some(asked) => format!("{prefix}{asked}"),
    }
}

/// Checks, before they are fetched, that weights have a classifier. `asked` is as in
/// [`locate_weights`]. Weights that the zoo does not know pass.
///
/// # Errors
///
/// [`ModelError::NoHead`].
pub fn check_head(architecture: &Architecture, asked: Option<&str>) -> Result<()> {
    let asked = asked.map(|asked| asked.strip_prefix("timm/").unwrap_or(asked));
    let name = tag_name(architecture, asked);
    match architecture.tags().find(|tag| tag.name() == name) {
        Some(tag) if !tag.has_head => Err(ModelError::NoHead {
            path: name.into(),
            model: architecture.name.into(),
            head: architecture.head.into(),
        }),
        _ => Ok(()),
    }
}

/// Returns a hint for an unknown `arch.tag`: the nearest known one, or all of them. Returns `None`
/// for a known one. Only tags are compared, because the architecture before them is the same.
fn meant_tag(architecture: &Architecture, name: &str) -> Option<Hint> {
    let tags = || architecture.tags().map(|known| known.tag.as_str());
    let typed =
        name.strip_prefix(architecture.name).map_or(name, |tag| tag.trim_start_matches('.'));
    // The architecture itself may be mistyped: `resnt50.a1_in1k`.
    let typed = typed.split_once('.').map_or(typed, |(_, tag)| tag);
    if architecture.tags().any(|known| known.name() == name) {
        return None;
    }
    Some(match did_you_mean(typed, tags()) {
        Some(tag) => Hint::DidYouMean(format!("{}.{tag}", architecture.name)),
        None => Hint::KnownWeights {
            model: architecture.name.into(),
            tags: tags().map(String::from).collect(),
        },
    })
}

fn from_folder(architecture: &Architecture, asked: &str, folder: &Path) -> Result<WeightsSource> {
    let file = folder.join("model.safetensors");
    if !file.is_file() {
        if let Some(pickle) = ["pytorch_model.bin", "model.pth"]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|path| path.is_file())
        {
            return Err(ModelError::Pickle { path: pickle });
        }
        if let Ok(run) = RunDir::open(folder) {
            let trained = record_of(&run)?;
            let file = best_weights_of(&run, &trained.settings)?;
            return from_run(architecture, asked, &run, trained, file);
        }
        return Err(ModelError::NothingThere {
            path: file,
            default: architecture.default_tag().name(),
        });
    }
    from_file(architecture, asked, &file)
}

fn from_file(architecture: &Architecture, asked: &str, file: &Path) -> Result<WeightsSource> {
    let config = file.with_file_name("config.json");
    let fallback = architecture.default_tag();
    let mut source = WeightsSource {
        name: asked.into(),
        file: file.into(),
        preprocessing: fallback.preprocessing.clone(),
        test_crop_pct: fallback.test_crop_pct,
        view: TestView::plain(fallback.preprocessing.clone()),
        licence: None,
        fine_tuned_in: None,
        class_names: None,
        temperature: None,
        sha256: None,
        note: None,
    };
    if !config.is_file() {
        let mut reason = format!("no config.json lies beside {}", shown(file));
        if let Some((run, _)) = RunDir::of_checkpoint(file) {
            match record_of(&run) {
                Ok(trained) => return from_run(architecture, asked, &run, trained, file.into()),
                // Other programs may also keep checkpoints below a config.toml.
                Err(error) => reason += &format!(" ({error})"),
            }
        }
        source.note = Some(format!("{reason}: photos are prepared as for {}", fallback.name()));
        return Ok(source);
    }
    let parsed: HubConfig = serde_json::from_str(&files::read_text(&config)?).map_err(|error| {
        CoreError::Malformed {
            path: config.clone(),
            what: "timm model configuration",
            reason: error.to_string(),
        }
    })?;
    check_architecture(architecture, parsed.architecture, file)?;
    let cfg = parsed.pretrained_cfg;
    let problem = |reason: &str| CoreError::Malformed {
        path: config.clone(),
        what: "timm model configuration",
        reason: reason.into(),
    };
    let crop_mode = match cfg.crop_mode {
        None => CropMode::Center,
        Some(mode) => mode.parse().map_err(|error: CoreError| problem(&error.to_string()))?,
    };
    let [3, side_px, width_px] = cfg.input_size else {
        return Err(problem("input_size has not three channels").into());
    };
    if side_px != width_px {
        return Err(problem("input_size is not square").into());
    }
    source.preprocessing = Preprocessing {
        side_px,
        crop_pct: cfg.crop_pct,
        crop_mode,
        interpolation: cfg.interpolation,
        mean: cfg.mean,
        std: cfg.std,
    };
    if let Some((key, found, expected)) = source.preprocessing.problem() {
        let key = if key == "side_px" { "input_size" } else { key };
        return Err(problem(&format!("{key} is {found}, expected {expected}")).into());
    }
    source.test_crop_pct = cfg.test_crop_pct;
    source.view = TestView::plain(source.preprocessing.clone());
    source.licence = cfg.license;
    if let Some(FineTuned { run, temperature, weights_sha256, test_flip }) = parsed.kennel {
        if temperature.is_some_and(|value| !(value > 0.0 && value.is_finite())) {
            return Err(problem("temperature is not positive").into());
        }
        (source.fine_tuned_in, source.temperature) = (Some(run), temperature);
        source.sha256 = weights_sha256;
        source.view.flip = test_flip;
    }
    source.class_names = parsed.label_names;
    Ok(source)
}

/// Returns a checkpoint of a Kennel run as a source of weights.
fn from_run(
    architecture: &Architecture,
    asked: &str,
    run: &RunDir,
    trained: RunRecord,
    file: PathBuf,
) -> Result<WeightsSource> {
    let RunRecord { settings, facts } = trained;
    let view = settings.test_view();
    check_architecture(architecture, settings.model, &file)?;
    Ok(WeightsSource {
        name: asked.into(),
        file,
        preprocessing: settings.preprocessing,
        test_crop_pct: settings.test_crop_pct,
        view,
        licence: None,
        fine_tuned_in: Some(run.name()),
        class_names: Some(facts.class_names),
        temperature: None,
        sha256: None,
        note: None,
    })
}

fn check_architecture(expected: &Architecture, found: String, path: &Path) -> Result<()> {
    match found == expected.name {
        true => Ok(()),
        false => Err(ModelError::OtherArchitecture {
            path: path.into(),
            found,
            expected: expected.name.into(),
        }),
    }
}

/// The parts of a timm model's `config.json` that Kennel uses.
#[derive(Deserialize)]
struct HubConfig {
    architecture: String,
    pretrained_cfg: PretrainedCfg,
    label_names: Option<Vec<String>>,
    /// Written by `kennel export --timm`.
    kennel: Option<FineTuned>,
}

#[derive(Deserialize)]
struct FineTuned {
    run: String,
    temperature: Option<f64>,
    weights_sha256: Option<String>,
    #[serde(default)]
    test_flip: bool,
}

#[derive(Deserialize)]
struct PretrainedCfg {
    input_size: [u32; 3],
    interpolation: Interpolation,
    crop_pct: f64,
    crop_mode: Option<String>,
    test_crop_pct: Option<f64>,
    mean: [f32; 3],
    std: [f32; 3],
    license: Option<String>,
}

/// Returns the Hugging Face cache folder that the environment variables give, and the timm weights
/// in it as `arch.tag`.
///
/// # Errors
///
/// [`ModelError::Core`] when the folder exists but cannot be listed.
pub fn cached_weights() -> Result<(Option<PathBuf>, Vec<String>)> {
    let Some(hub) = hub_cache::hub_folder() else { return Ok((None, Vec::new())) };
    if !hub.exists() {
        return Ok((Some(hub), Vec::new()));
    }
    let prefix = hub_cache::repo_folder_name("timm/");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&hub).map_err(CoreError::io("read", &hub))? {
        let folder = entry.map_err(CoreError::io("read", &hub))?.path();
        let name = folder.file_name().and_then(|name| name.to_str()?.strip_prefix(&prefix));
        let is_whole = hub_cache::snapshot(&folder, "main", &["model.safetensors"]).is_some();
        if let Some(name) = name.filter(|_| is_whole) {
            names.push(name.to_string());
        }
    }
    names.sort();
    Ok((Some(hub), names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture;

    #[test]
    fn weights_of_the_zoo_without_a_classifier_are_known_before_they_are_fetched() {
        let dino = architecture("vit_small_patch14_dinov2").unwrap();
        for asked in [None, Some("lvd142m"), Some("timm/vit_small_patch14_dinov2.lvd142m")] {
            let error = check_head(dino, asked).unwrap_err();
            assert!(matches!(error, ModelError::NoHead { .. }), "{asked:?}: {error}");
        }
        let vit = architecture("vit_base_patch16_224").unwrap();
        check_head(vit, None).unwrap();
        check_head(vit, Some("mae")).unwrap_err();
        check_head(vit, Some("of_tomorrow")).unwrap();
    }
}
