//! `manifest.json`: every photo of a data set, its source and its split.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::imagenet::{self, ClassMatch};
use crate::{CoreError, Result, Split, files};

/// The result of `prepare`, written as `manifest.json`. The same input gives the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub version: u32,
    /// How the split was made: `given` (the source was already divided), `stratified`, or `folds`
    /// (one of the divisions of a cross-validated run).
    pub division: String,
    /// How photos were grouped (`folder`, `regex:PATTERN`, ..), if they were: photos of one group
    /// stay in one split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouped_by: Option<String>,
    /// Seed of the split.
    pub seed: u64,
    /// Class names, sorted by bytes. A class's index is its position here.
    pub classes: Vec<String>,
    /// Every accepted photo, sorted by path.
    pub photos: Vec<PhotoRecord>,
    /// Every rejected file, sorted by path.
    pub rejected: Vec<RejectedPhoto>,
    /// Photos that show the same picture or look alike, and whether they cross the splits.
    pub duplicates: Vec<DuplicateGroup>,
    /// Notes for the reader, in sentences: for example class counts that differ from the plain
    /// rule, and why.
    pub notes: Vec<String>,
}

/// One photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoRecord {
    /// Relative to the data set, with `/`: `train/beagle/n02088364_1.jpg`.
    pub path: String,
    /// Relative to the source folder or archive, with `/`; `+new/beagle/1.jpg` for a photo of the
    /// added folder `new`.
    pub source: String,
    /// Class name.
    pub label: String,
    /// Split of the photo.
    pub split: Split,
    /// Width after orientation, in pixels.
    pub width_px: u32,
    /// Height after orientation, in pixels.
    pub height_px: u32,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Name of its group, if photos were grouped and it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A rejected file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedPhoto {
    /// Relative to the source, with `/`.
    pub path: String,
    /// Why it was rejected.
    pub reason: String,
}

/// How the photos of a group are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DuplicateKind {
    /// The same bytes.
    Exact,
    /// The same picture: re-encoded, resized, brightened, trimmed or mirrored, or taken again.
    Near,
    /// Photos that look alike, but are neither told apart nor proved the same; kept in one split.
    Alike,
}

/// Photos that are the same picture, or look alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuplicateGroup {
    /// `near` when at least one pair of the group is.
    pub kind: DuplicateKind,
    /// Paths relative to the data set: first the photo that all others resemble, then the others,
    /// sorted.
    pub paths: Vec<String>,
    /// Whether a given division puts them into different splits.
    pub crosses_splits: bool,
}

/// Number of photos per split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// Training photos.
    pub train: usize,
    /// Validation photos.
    pub val: usize,
    /// Test photos.
    pub test: usize,
}

impl SplitCounts {
    /// Returns the number of photos of one split.
    pub fn of(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Val => self.val,
            Split::Test => self.test,
        }
    }

    /// Counts one more photo.
    pub fn add(&mut self, split: Split) {
        match split {
            Split::Train => self.train += 1,
            Split::Val => self.val += 1,
            Split::Test => self.test += 1,
        }
    }
}

impl Manifest {
    /// File name.
    pub const FILE_NAME: &'static str = "manifest.json";

    /// Counts photos per split, of one class or of all.
    pub fn counts(&self, label: Option<&str>) -> SplitCounts {
        let mut counts = SplitCounts::default();
        for photo in &self.photos {
            if label.is_none_or(|label| label == photo.label) {
                counts.add(photo.split);
            }
        }
        counts
    }

    /// Returns a digest of the photos: SHA-256 over the sorted lines `<sha256> <label>\n`, one for
    /// each accepted photo. It depends on contents and labels alone. So two divisions of the same
    /// photos have the same digest, whatever the seed, the paths and the notes.
    pub fn photos_sha256(&self) -> String {
        let mut lines: Vec<(&str, &str)> =
            self.photos.iter().map(|photo| (photo.sha256.as_str(), photo.label.as_str())).collect();
        lines.sort_unstable();
        let text: String =
            lines.iter().map(|(sha256, label)| format!("{sha256} {label}\n")).collect();
        files::sha256_bytes(text.as_bytes())
    }

    /// Returns the output of the ImageNet head for every class, matched by its name or its file
    /// names; `given` as in [`imagenet::match_classes`].
    ///
    /// # Errors
    ///
    /// As [`imagenet::match_classes`].
    pub fn match_imagenet(&self, given: &BTreeMap<String, String>) -> Result<Vec<ClassMatch>> {
        let file_names = |class: &str| {
            let of_class = self.photos.iter().filter(|photo| photo.label == class);
            of_class
                .map(|photo| photo.path.rsplit('/').next().unwrap_or(&photo.path).to_string())
                .collect()
        };
        imagenet::match_classes(&self.classes, file_names, given)
    }

    /// Reads `manifest.json`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when it cannot be read; [`CoreError::Malformed`] when it is not a manifest
    /// of this version.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&files::read_text(path)?, path)
    }

    /// Parses a manifest; errors name `path` as its file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        let manifest: Manifest = serde_json::from_str(text).map_err(|error| {
            CoreError::Malformed { path: path.into(), what: "manifest", reason: error.to_string() }
        })?;
        if manifest.version != 1 {
            return Err(CoreError::Malformed {
                path: path.into(),
                what: "manifest",
                reason: format!("version {} is not known, expected 1", manifest.version),
            });
        }
        Ok(manifest)
    }

    /// Writes `manifest.json` to a temporary file and renames it into place.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let photo = |digit: &str, label: &str, split| PhotoRecord {
            path: format!("{split}/{label}/{digit}.jpg"),
            source: format!("{label}/{digit}.jpg"),
            label: label.into(),
            split,
            width_px: 64,
            height_px: 64,
            sha256: digit.repeat(64),
            group: None,
        };
        Manifest {
            version: 1,
            division: "stratified".into(),
            grouped_by: None,
            seed: 42,
            classes: vec!["cat".into(), "dog".into()],
            photos: vec![
                photo("b", "cat", Split::Train),
                photo("a", "dog", Split::Train),
                photo("c", "dog", Split::Val),
            ],
            rejected: Vec::new(),
            duplicates: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_digest_of_photos_depends_on_contents_and_labels_alone() {
        let [a, b, c] = ["a", "b", "c"].map(|digit: &str| digit.repeat(64));
        let digest = files::sha256_bytes(format!("{a} dog\n{b} cat\n{c} dog\n").as_bytes());
        assert_eq!(manifest().photos_sha256(), digest);

        let mut divided = manifest();
        divided.photos.rotate_left(1);
        divided.photos[0].split = Split::Test;
        divided.photos[0].path = "elsewhere.jpg".into();
        divided.seed = 43;
        divided.notes.push("A note.".into());
        assert_eq!(divided.photos_sha256(), digest);

        let mut relabelled = manifest();
        relabelled.photos[0].label = "dog".into();
        assert_ne!(relabelled.photos_sha256(), digest);
        let mut fewer = manifest();
        fewer.photos.pop();
        assert_ne!(fewer.photos_sha256(), digest);
    }

    #[test]
    fn a_manifest_without_groups_has_no_key_of_them() {
        let text = serde_json::to_string(&manifest()).unwrap();
        assert!(!text.contains("group"), "{text}");
        let mut grouped = manifest();
        grouped.grouped_by = Some("folder".into());
        grouped.photos[1].group = Some("burst".into());
        let text = serde_json::to_string(&grouped).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), grouped);
    }
}
