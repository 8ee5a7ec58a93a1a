//! Metadata of a model: class names, preprocessing and origin, so that other programs can use the
//! file correctly.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::hint::Missing;
use kennel_core::{CropMode, Interpolation, Preprocessing};
use kennel_metrics::Proportion;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::proto::{ModelProto, StringStringEntryProto};
use crate::{OnnxError, Result};

/// Number format of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// 16-bit floats inside; input and output are 32-bit floats.
    Float16,
    /// 8-bit integers where they keep the accuracy, 32-bit floats elsewhere.
    Int8,
}

impl Precision {
    /// Value in the metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Precision::Float32 => "float32",
            Precision::Float16 => "float16",
            Precision::Int8 => "int8",
        }
    }

    /// Short name; `None` for the default.
    pub const fn short_name(self) -> Option<&'static str> {
        match self {
            Precision::Float32 => None,
            Precision::Float16 => Some("fp16"),
            Precision::Int8 => Some("int8"),
        }
    }
}

/// Metadata that Kennel writes into a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Class names in the order of the logits.
    pub class_names: Vec<String>,
    /// How to prepare photos.
    pub preprocessing: Preprocessing,
    /// Whether the graph averages the logits of a photo and of its mirror image.
    pub test_flip: bool,
    /// Divisor of the logits before the softmax.
    pub temperature: f64,
    /// timm's name of the network.
    pub architecture: String,
    /// Pretrained weights: `arch.tag`, the name of a file or folder, or `none`.
    pub weights: String,
    /// Licence of those weights.
    pub weights_licence: String,
    /// Number format of the network.
    pub precision: Precision,
    /// Name of the run's directory.
    pub run: String,
    /// Output of `sha256sum config.toml manifest.json checkpoints/best.safetensors | sha256sum` in
    /// the run's directory.
    pub run_sha256: String,
    /// Accuracy of this file on the validation photos.
    pub val_accuracy: Option<Proportion>,
    /// Accuracy of the trained network in f32 on the test photos, at the end of the run.
    pub test_accuracy: Option<Proportion>,
    /// What tells unknown photos, if the file has the output `unknown_score`.
    pub unknown: Option<UnknownCard>,
}

/// When a photo is of none of the classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnknownCard {
    /// Share of known photos that may be refused, in (0, 1).
    pub share: f64,
    /// A photo with a higher score is unknown.
    pub threshold: f64,
}

/// Key of [`Preprocessing::crop_mode`], in files whose mode is not `center`.
const CROP_MODE: &str = "crop_mode";
/// Key of [`ModelCard::test_flip`], which only files that average have.
const TEST_FLIP: &str = "test_flip";
/// Key of [`UnknownCard::share`].
const UNKNOWN_SHARE: &str = "unknown_share";
/// Key of [`UnknownCard::threshold`].
const UNKNOWN_THRESHOLD: &str = "unknown_threshold";

/// Metadata keys that every file has, in the order in which they are written.
const KEYS: [&str; 17] = [
    "class_names",
    "architecture",
    "weights",
    "weights_license",
    "precision",
    "side_px",
    "resize_px",
    "crop_pct",
    "interpolation",
    "mean",
    "std",
    "temperature",
    "val_accuracy",
    "test_accuracy",
    "run",
    "run_sha256",
    "kennel_version",
];

impl ModelCard {
    /// Writes the card into the metadata of a model: numbers and lists as JSON, strings as they
    /// are.
    pub fn write_into(&self, model: &mut ModelProto) {
        let Preprocessing { side_px, crop_pct, crop_mode, interpolation, mean, std } =
            &self.preprocessing;
        let values = [
            json(&self.class_names),
            self.architecture.clone(),
            self.weights.clone(),
            self.weights_licence.clone(),
            self.precision.as_str().into(),
            json(side_px),
            json(&self.preprocessing.resize_px()),
            json(crop_pct),
            json(interpolation).trim_matches('"').into(),
            json(mean),
            json(std),
            json(&self.temperature),
            json(&self.val_accuracy),
            json(&self.test_accuracy),
            self.run.clone(),
            self.run_sha256.clone(),
            env!("CARGO_PKG_VERSION").into(),
        ];
        let unknown = self.unknown.iter().flat_map(|unknown| {
            [(&UNKNOWN_SHARE, json(&unknown.share)), (&UNKNOWN_THRESHOLD, json(&unknown.threshold))]
        });
        let crop_mode = (!crop_mode.is_center()).then(|| (&CROP_MODE, crop_mode.as_str().into()));
        model.metadata_props = KEYS
            .iter()
            .zip(values)
            .chain(crop_mode)
            .chain(self.test_flip.then(|| (&TEST_FLIP, json(&true))))
            .chain(unknown)
            .map(|(key, value)| StringStringEntryProto { key: (*key).into(), value })
            .collect();
    }
}

/// Reads the score above which a photo is unknown, if the metadata of a model have it.
///
/// # Errors
///
/// [`OnnxError::Metadata`] for an invalid value.
pub(crate) fn unknown_threshold(path: &Path, model: &ModelProto) -> Result<Option<f64>> {
    let mut entries = model.metadata_props.iter();
    let Some(entry) = entries.find(|entry| entry.key == UNKNOWN_THRESHOLD) else { return Ok(None) };
    match entry.value.parse() {
        Ok(threshold) if f64::is_finite(threshold) && threshold >= 0.0 => Ok(Some(threshold)),
        _ => Err(wrong(path, UNKNOWN_THRESHOLD, &entry.value, "a number, 0 or more")),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data")
}

/// What must be known about a file to label photos with it. The caller may set any field; a field
/// that is set overrides the metadata of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Class names in the order of the logits.
    pub class_names: Option<Vec<String>>,
    /// Side of the square that the network sees, in pixels.
    pub side_px: Option<u32>,
    /// `side_px` as a share of the resized side.
    pub crop_pct: Option<f64>,
    /// How a photo that is not square fits into the square; `center` if nothing says so.
    pub crop_mode: Option<CropMode>,
    /// Filter of the resize.
    pub interpolation: Option<Interpolation>,
    /// Mean that is subtracted from each channel.
    pub mean: Option<[f32; 3]>,
    /// Standard deviation that each channel is then divided by.
    pub std: Option<[f32; 3]>,
    /// Divisor of the logits before the softmax.
    pub temperature: Option<f64>,
}

/// A [`Description`] with every field set.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Class names in the order of the logits.
    pub class_names: Vec<String>,
    /// How to prepare photos.
    pub preprocessing: Preprocessing,
    /// Divisor of the logits before the softmax.
    pub temperature: f64,
}

impl Description {
    /// Reads the metadata of a model; missing keys give `None`.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Metadata`] for an invalid value.
    pub fn read(path: &Path, model: &ModelProto) -> Result<Self> {
        let properties: BTreeMap<&str, &str> = model
            .metadata_props
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str()))
            .collect();
        let interpolation = match properties.get("interpolation") {
            None => None,
            Some(&"bilinear") => Some(Interpolation::Bilinear),
            Some(&"bicubic") => Some(Interpolation::Bicubic),
            Some(found) => return Err(wrong(path, "interpolation", found, "bilinear or bicubic")),
        };
        let crop_mode = match properties.get(CROP_MODE) {
            None => None,
            Some(found) => Some(
                found
                    .parse()
                    .map_err(|_| wrong(path, CROP_MODE, found, "center, squash or border"))?,
            ),
        };
        let description = Description {
            class_names: parse(path, &properties, "class_names", "a list of names")?,
            side_px: parse(path, &properties, "side_px", "a number of pixels")?,
            crop_pct: parse(path, &properties, "crop_pct", "a number in (0, 1]")?,
            crop_mode,
            interpolation,
            mean: parse(path, &properties, "mean", "three numbers")?,
            std: parse(path, &properties, "std", "three positive numbers")?,
            temperature: parse(path, &properties, "temperature", "a positive number")?,
        };
        description.check(path)?;
        Ok(description)
    }

    /// The first invalid field: its key, the value found, and what is expected.
    pub fn problem(&self) -> Option<(&'static str, String, &'static str)> {
        if let Some(names) = &self.class_names
            && (names.is_empty() || names.iter().any(String::is_empty))
        {
            return Some(("class_names", json(names), "a name for every class"));
        }
        if let Some(side) = self.side_px.filter(|side| !(1..=2048).contains(side)) {
            return Some(("side_px", side.to_string(), "1 to 2048 pixels"));
        }
        // The rules of training apply to the other fields. They do not apply to `side_px`, because
        // files of other programs may take smaller squares.
        let usual = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
        let preprocessing = Preprocessing {
            crop_pct: self.crop_pct.unwrap_or(usual.crop_pct),
            mean: self.mean.unwrap_or(usual.mean),
            std: self.std.unwrap_or(usual.std),
            ..usual
        };
        if let Some(problem) = preprocessing.problem() {
            return Some(problem);
        }
        let temperature = self.temperature.filter(|t| !(1e-3..=1e3).contains(t))?;
        Some(("temperature", temperature.to_string(), "a positive number"))
    }

    fn check(&self, path: &Path) -> Result<()> {
        match self.problem() {
            None => Ok(()),
            Some((key, found, expected)) => Err(wrong(path, key, &found, expected)),
        }
    }

    /// Fills the fields that are `None` from `other`.
    pub fn or(self, other: Description) -> Description {
        Description {
            class_names: self.class_names.or(other.class_names),
            side_px: self.side_px.or(other.side_px),
            crop_pct: self.crop_pct.or(other.crop_pct),
            crop_mode: self.crop_mode.or(other.crop_mode),
            interpolation: self.interpolation.or(other.interpolation),
            mean: self.mean.or(other.mean),
            std: self.std.or(other.std),
            temperature: self.temperature.or(other.temperature),
        }
    }

    /// Completes the description. `needs_pixels`: the graph takes prepared pixels, not photos, so
    /// that all of the preprocessing must be known.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Undescribed`], with everything that is missing;
    /// [`OnnxError::Metadata`] for an invalid value.
    pub fn complete(self, path: &Path, needs_pixels: bool) -> Result<Described> {
        let mut missing = Vec::new();
        let mut need = |is_there: bool, what: Missing| {
            if !is_there {
                missing.push(what);
            }
        };
        need(self.class_names.is_some(), Missing::ClassNames);
        if needs_pixels {
            need(self.side_px.is_some(), Missing::Side);
            need(self.crop_pct.is_some(), Missing::CropPct);
            need(self.interpolation.is_some(), Missing::Interpolation);
            need(self.mean.is_some(), Missing::Mean);
            need(self.std.is_some(), Missing::Std);
        }
        if !missing.is_empty() {
            return Err(OnnxError::Undescribed { path: path.into(), missing });
        }
        self.check(path)?;
        Ok(Described {
            class_names: self.class_names.unwrap_or_default(),
            preprocessing: Preprocessing {
                side_px: self.side_px.unwrap_or(224),
                crop_pct: self.crop_pct.unwrap_or(1.0),
                crop_mode: self.crop_mode.unwrap_or_default(),
                interpolation: self.interpolation.unwrap_or(Interpolation::Bicubic),
                mean: self.mean.unwrap_or([0.0; 3]),
                std: self.std.unwrap_or([1.0; 3]),
            },
            temperature: self.temperature.unwrap_or(1.0),
        })
    }
}

fn parse<T: DeserializeOwned>(
    path: &Path,
    properties: &BTreeMap<&str, &str>,
    key: &str,
    expected: &str,
) -> Result<Option<T>> {
    let Some(found) = properties.get(key) else { return Ok(None) };
    serde_json::from_str(found).map(Some).map_err(|_| wrong(path, key, found, expected))
}

fn wrong(path: &Path, key: &str, found: &str, expected: &str) -> OnnxError {
    let found = found.chars().take(80).collect();
    OnnxError::Metadata { path: path.into(), key: key.into(), found, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        ModelCard {
            class_names: vec!["boxer".into(), "чёрный пёс".into()],
            preprocessing: Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic),
            test_flip: false,
            temperature: 1.25,
            architecture: "resnet50".into(),
            weights: "resnet50.a1_in1k".into(),
            weights_licence: "apache-2.0".into(),
            precision: Precision::Int8,
            run: "20260207_165541-resnet50-freeze-s42".into(),
            run_sha256: "00".into(),
            val_accuracy: Some(Proportion::new(116, 117)),
            test_accuracy: None,
            unknown: None,
        }
    }

    #[test]
    fn a_threshold_is_read_back_and_only_files_that_have_one_name_it() {
        let path = Path::new("m.onnx");
        let mut model = ModelProto::default();
        card().write_into(&mut model);
        assert_eq!(model.metadata_props.len(), KEYS.len());
        assert_eq!(unknown_threshold(path, &model).unwrap(), None);
        let unknown = Some(UnknownCard { share: 0.01, threshold: 1.75 });
        ModelCard { unknown, ..card() }.write_into(&mut model);
        assert_eq!(unknown_threshold(path, &model).unwrap(), Some(1.75));
        model.metadata_props.last_mut().unwrap().value = "NaN".into();
        let said = unknown_threshold(path, &model).unwrap_err().to_string();
        assert!(said.contains("unknown_threshold"), "{said}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut model = ModelProto::default();
        card().write_into(&mut model);
        let read = Description::read(Path::new("m.onnx"), &model).unwrap();
        let described = read.complete(Path::new("m.onnx"), true).unwrap();
        assert_eq!(described.class_names, card().class_names);
        assert_eq!(described.preprocessing, card().preprocessing);
        assert_eq!(described.temperature, 1.25);
    }

    #[test]
    fn a_crop_mode_is_read_back_and_only_files_of_another_than_center_name_it() {
        let path = Path::new("m.onnx");
        for crop_mode in CropMode::ALL {
            let mut model = ModelProto::default();
            let preprocessing = Preprocessing { crop_mode, ..card().preprocessing };
            ModelCard { preprocessing, ..card() }.write_into(&mut model);
            let is_named = model.metadata_props.iter().any(|entry| entry.key == CROP_MODE);
            assert_eq!(is_named, crop_mode != CropMode::Center);
            let described = Description::read(path, &model).unwrap().complete(path, true).unwrap();
            assert_eq!(described.preprocessing.crop_mode, crop_mode);
        }
        let mut model = ModelProto::default();
        let preprocessing = Preprocessing { crop_mode: CropMode::Border, ..card().preprocessing };
        ModelCard { preprocessing, ..card() }.write_into(&mut model);
        model.metadata_props.last_mut().unwrap().value = "middle".into();
        let said = Description::read(path, &model).unwrap_err().to_string();
        assert!(said.contains("crop_mode") && said.contains("border"), "{said}");
    }

    #[test]
    fn only_files_that_average_mirror_images_say_so() {
        let flips = |test_flip: bool| {
            let mut model = ModelProto::default();
            ModelCard { test_flip, ..card() }.write_into(&mut model);
            model.metadata_props.into_iter().find(|entry| entry.key == TEST_FLIP)
        };
        assert_eq!(flips(false), None);
        assert_eq!(flips(true).unwrap().value, "true");
    }

    #[test]
    fn what_is_missing_is_listed_and_given_values_win() {
        let path = Path::new("other.onnx");
        let none = Description::default();
        let missing = |needs_pixels| match none.clone().complete(path, needs_pixels) {
            Err(OnnxError::Undescribed { missing, .. }) => missing,
            other => panic!("{other:?}"),
        };
        use Missing::{ClassNames, CropPct, Interpolation, Mean, Side, Std};
        assert_eq!(missing(true), [ClassNames, Side, CropPct, Interpolation, Mean, Std]);
        assert_eq!(missing(false), [ClassNames]);
        let given = Description { temperature: Some(2.0), ..none };
        let mut model = ModelProto::default();
        card().write_into(&mut model);
        assert_eq!(given.or(Description::read(path, &model).unwrap()).temperature, Some(2.0));
    }

    #[test]
    fn metadata_that_make_no_sense_are_named() {
        for (key, value) in [
            ("side_px", "999999999"),
            ("std", "[1,0,1]"),
            ("mean", "[1,2]"),
            ("class_names", "boxer"),
            ("class_names", "[]"),
            ("interpolation", "lanczos"),
            ("temperature", "-1"),
            ("crop_pct", "7"),
        ] {
            let mut model = ModelProto::default();
            card().write_into(&mut model);
            for entry in &mut model.metadata_props {
                if entry.key == key {
                    entry.value = value.into();
                }
            }
            let said = Description::read(Path::new("m.onnx"), &model).unwrap_err().to_string();
            assert!(said.contains(key) && said.contains("expected"), "{said}");
        }
    }
}
