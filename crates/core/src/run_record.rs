//! What `config.toml` in a run directory holds: the settings of the run, and the facts that were
//! recorded when it began. Passed back with `--config`, its settings reproduce the run.

use std::path::Path;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{CoreError, Result, Settings, files};

/// The settings of a run and the facts about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    /// What decided the result.
    #[serde(flatten)]
    pub settings: Settings,
    /// What was found when the run began.
    pub facts: RunFacts,
}

/// Facts recorded when a run began; they are not choices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// Class names, in the order of the logits.
    pub class_names: Vec<String>,
    /// Number of trained parameters.
    pub trainable_params: usize,
    /// Number of all parameters, without running statistics.
    pub total_params: usize,
    /// Names of the trained stages (timm prefixes).
    pub trained: Vec<String>,
    /// Number of photos in each split.
    pub photos: crate::SplitCounts,
    /// Device that training ran on.
    pub device: String,
    /// Folder of the cached frozen-backbone features, if they were cached. The cache only saves
    /// time; results are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_cache: Option<String>,
    /// Names of the runs whose weights the network averages, if it is a soup. The settings are then
    /// those of the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averaged: Vec<String>,
    /// The run that fine-tuned the starting weights, if they are Kennel's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_run: Option<String>,
    /// Number of classes that share their name with a class of that run, if that run lists its
    /// classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_shared_classes: Option<usize>,
    /// Time when the run began: UTC, RFC 3339.
    pub started: String,
    /// Version of Kennel.
    pub kennel_version: String,
    /// Version of Burn.
    pub burn_version: String,
    /// SHA-256 of the pretrained weights' file, if it was recorded. An empty text in the file
    /// stands for none.
    #[serde(with = "empty_for_none")]
    pub weights_sha256: Option<String>,
    /// SHA-256 of `manifest.json`: the photos and their division.
    pub manifest_sha256: String,
    /// Digest of the photos, apart from their division ([`crate::Manifest::photos_sha256`]). Earlier
    /// runs did not record it; [`crate::RunDir::photos_sha256`] computes it for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photos_sha256: Option<String>,
    /// Processor and operating system.
    pub machine: String,
}

/// Writes an empty text in place of `None`.
mod empty_for_none {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.as_deref().unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok((!text.is_empty()).then_some(text))
    }
}

impl RunRecord {
    /// Its file name in a run directory.
    pub const FILE_NAME: &'static str = "config.toml";

    /// Reads `config.toml`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] or [`CoreError::Malformed`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&files::read_text(path)?, path)
    }

    /// Parses a record; errors name `path` as its file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| CoreError::Malformed {
            path: path.into(),
            what: "configuration of a run",
            reason: error.to_string(),
        })
    }

    /// Writes `config.toml` to a temporary file and renames it into place.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|error| CoreError::Malformed {
            path: path.into(),
            what: "configuration of a run",
            reason: error.to_string(),
        })?;
        files::write_atomically(path, text.as_bytes())
    }

    /// Whether a run of `settings` repeats this one: the same settings, weights, and photos in the
    /// same division. Photos are compared by the digest of their manifest and weights by theirs,
    /// because a path may be spelt in several ways. Without both digests, the weights must have the same name.
    pub fn is_repeated_by(
        &self,
        settings: &Settings,
        manifest_sha256: &str,
        weights_sha256: Option<&str>,
    ) -> bool {
        let places = |of: &Settings| (of.data_dir.clone(), of.weights.clone());
        let (data_dir, weights) = places(&self.settings);
        let in_same_places = Settings { data_dir, weights, ..settings.clone() };
        let has_same_weights = match (&self.facts.weights_sha256, weights_sha256) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.settings.weights == settings.weights,
        };
        self.facts.manifest_sha256 == manifest_sha256
            && has_same_weights
            && self.settings == in_same_places
    }
}

// serde's `flatten` would accept unknown keys. Here the settings get every key but `facts`, and
// refuse those that they do not know.
impl<'de> Deserialize<'de> for RunRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = RunRecord;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("the settings of a run and its facts")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RunRecord, A::Error> {
        let mut facts = None;
        let settings = Settings::deserialize(MapAccessDeserializer::new(SettingsOnly {
            map,
            facts: &mut facts,
        }))?;
        // Written by hand, and not by a run.
        let facts = facts.ok_or_else(|| A::Error::custom("it has no [facts] table"))?;
        Ok(RunRecord { settings, facts })
    }
}

/// The entries of a map without `facts`, which is put aside.
struct SettingsOnly<'a, A> {
    map: A,
    facts: &'a mut Option<RunFacts>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for SettingsOnly<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != "facts" {
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            *self.facts = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interpolation, Method, Preprocessing, Strategy, Weights};

    /// Files of runs that Kennel 0.1.0 wrote.
    const TRAINED: &str = include_str!("../tests/fixtures/runs/trained.toml");
    const ZERO_SHOT: &str = include_str!("../tests/fixtures/runs/zero_shot.toml");

    fn parsed(text: &str) -> Result<RunRecord> {
        RunRecord::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read_and_written_with_the_same_bytes() {
        for text in [TRAINED, ZERO_SHOT] {
            assert_eq!(toml::to_string(&parsed(text).unwrap()).unwrap(), text);
        }
        let trained = parsed(TRAINED).unwrap();
        assert_eq!(trained.settings.method, Method::Train(Strategy::Freeze));
        assert_eq!(trained.settings.weights, Weights::Random);
        assert_eq!((trained.facts.weights_sha256, trained.facts.weights_run), (None, None));
        let RunRecord { settings, .. } = parsed(ZERO_SHOT).unwrap();
        let made = Settings::zero_shot(
            settings.model.clone(),
            settings.weights.clone(),
            settings.preprocessing.clone(),
        );
        assert_eq!(Settings { data_dir: settings.data_dir.clone(), ..made }, settings);
    }

    #[test]
    fn a_mistyped_key_is_named_at_every_depth() {
        for (right, wrong) in [
            ("seed", "sede"),
            ("betas", "beta"),
            ("flip", "flop"),
            ("crop_pct", "crop_pkt"),
            ("machine", "mashine"),
        ] {
            let text = TRAINED.replacen(&format!("\n{right} ="), &format!("\n{wrong} ="), 1);
            let error = parsed(&text).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
        let (by_hand, _) = TRAINED.split_once("\n[facts]").unwrap();
        let error = parsed(by_hand).unwrap_err().to_string();
        assert!(error.contains("it has no [facts] table"), "{error}");
    }

    #[test]
    fn the_same_run_is_told_by_contents_and_not_by_places() {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let settings =
            Settings::published("resnet18".into(), "a".into(), Strategy::Full, preprocessing);
        let facts = RunFacts {
            manifest_sha256: "photos".into(),
            weights_sha256: Some("weights".into()),
            ..RunFacts::default()
        };
        let run = RunRecord { settings: settings.clone(), facts };
        let elsewhere = Settings { data_dir: "elsewhere".into(), ..settings.clone() };
        assert!(run.is_repeated_by(&elsewhere, "photos", None));
        assert!(!run.is_repeated_by(&settings, "other photos", None));
        assert!(!run.is_repeated_by(&Settings { seed: 1, ..settings.clone() }, "photos", None));
        let spelt = Settings { weights: "./a".into(), ..settings.clone() };
        assert!(!run.is_repeated_by(&spelt, "photos", None));
        assert!(run.is_repeated_by(&spelt, "photos", Some("weights")));
        assert!(!run.is_repeated_by(&settings, "photos", Some("other weights")));
    }
}
