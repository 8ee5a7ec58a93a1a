//! The layout of a source folder: which files belong to which class, and to which part if the
//! source is already divided.
//!
//! One rule separates class folders from the folders around them. It looks at all sibling folders
//! that have a photo below them, and ignores what [`crate::litter`] names.
//!
//! 1. `train`, `val`, `test` and the like ([`crate::division`]) are *parts*; parts and `images` are
//!    *words*. A word is never a class, unless `classes_are` says so or it is a known class beside
//!    other known classes.
//! 2. Two kinds of parts divide the source; so does one kind with nothing beside it. The folders in
//!    a part are the classes. A word that holds only itself or `images` (`seg_train/seg_train`,
//!    `train/images`) counts as one word.
//! 3. `images`, or any single folder, is a wrapper if nothing stands beside it and it holds no
//!    photo directly: the rule starts again inside it.
//! 4. Other folders are the classes, except a folder that holds all the others once more.
//!
//! Two possible readings are an error that shows both: one kind of part, or `images`, beside other
//! folders; folders that all hold the same folders (`color/rose`, `grey/rose`). It is also an error
//! if no name tells a class: photos in words without class folders, and the numbered folders of a
//! camera (`100CANON`). [`crate::reading`] decides; this module collects the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kennel_core::{RejectedPhoto, Split, composed};

use crate::error::{DataError, Result};
use crate::litter::NOT_IN_A_CLASS;
use crate::preset::{Preset, split_synset};
use crate::reading::{Around, Expected, Reading, Source, is_images};
use crate::walk::{Entry, Photos, files_below, list, relative};

/// Why a file beside the parts is left out.
const NOT_IN_A_PART: &str = "not in train/, val/ or test/";
/// Why a file in a second copy of the classes is left out.
const IN_A_COPY: &str = "in a copy of the folders beside it";

/// A file in a class folder, not yet read.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Relative to the source, with `/`.
    pub source: String,
    /// Path of the file.
    pub file: PathBuf,
    /// Class name.
    pub label: String,
    /// Its part, if the source is divided.
    pub given: Option<Split>,
    /// The first folder on its path below the class's folder.
    pub folder: Option<String>,
    /// Its group, if the source names it.
    pub group: Option<String>,
}

/// Every file of a source.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub candidates: Vec<Candidate>,
    pub rejected: Vec<RejectedPhoto>,
    /// Whether the source was divided into train, val and test.
    pub divided: bool,
    /// Names of all class folders, including those without a photo.
    pub classes: Vec<String>,
    /// Sentences on what was decided.
    pub notes: Vec<String>,
    /// Names of the added folders, as the sources of their photos begin.
    pub added: Vec<String>,
    /// For each class, the name of its first folder, before composition to Unicode NFC.
    spellings: BTreeMap<String, String>,
}

impl Layout {
    /// Reads the layout of `root`, which errors call `named`.
    pub fn read(named: &Path, root: &Path, expected: Expected) -> Result<Self> {
        let mut layout = Layout::default();
        let source = Source { named, root, expected };
        let mut base = source.told()?;
        let mut wrapper = None;
        loop {
            let photos = Photos::of(&base);
            match source.reading(&base, &photos)? {
                Reading::Inside(inner) => {
                    layout.descend(root, &base, &inner)?;
                    wrapper = Some(relative(root, &inner)).filter(|_| !is_images(&inner));
                    base = inner;
                }
                Reading::Classes => {
                    layout.read_classes(&source, &base, &photos)?;
                    break;
                }
                Reading::Parts(parts) => {
                    layout.read_parts(&source, &base, &parts)?;
                    wrapper = None;
                    break;
                }
            }
        }
        if let Some(wrapper) = wrapper {
            layout.notes.push(format!("The classes are the folders in `{wrapper}`."));
        }
        if let Some(told) = expected.classes_are.filter(|_| base != root) {
            let told = told.display();
            layout.notes.push(format!(
                "The classes are the folders in `{told}`, as told; nothing else was read."
            ));
        }
        layout.finish_names(expected.preset);
        if let Some(preset) = expected.preset {
            layout.check_preset(named, preset)?;
        }
        Ok(layout)
    }

    /// Descends from one folder to one below it, and rejects everything beside the path, except
    /// annotations.
    fn descend(&mut self, root: &Path, from: &Path, to: &Path) -> Result<()> {
        let steps: Vec<&Path> = to.ancestors().take_while(|step| *step != from).collect();
        for step in steps.into_iter().rev() {
            let folder = step.parent().unwrap_or(from);
            for entry in
                list(root, folder, &mut self.rejected)?.iter().filter(|entry| entry.path != step)
            {
                if is_annotations(entry) {
                    let place = relative(root, &entry.path);
                    self.notes.push(format!("`{place}` holds annotations, which are not used."));
                } else {
                    self.reject_all(root, &entry.path, NOT_IN_A_CLASS);
                }
            }
        }
        Ok(())
    }

    fn read_classes(&mut self, source: &Source, base: &Path, photos: &Photos) -> Result<()> {
        let copy = photos.copy_of_all().filter(|_| source.expected.classes_are.is_none());
        for entry in list(source.root, base, &mut self.rejected)? {
            if copy.is_some_and(|copy| copy.path == entry.path) {
                self.notes.push(format!(
                    "`{}` holds the folders beside it once more, and is left out.",
                    relative(source.root, &entry.path)
                ));
                self.reject_all(source.root, &entry.path, IN_A_COPY);
            } else {
                self.read_class(source, entry, None)?;
            }
        }
        Ok(())
    }

    fn read_parts(&mut self, source: &Source, base: &Path, parts: &[Around]) -> Result<()> {
        self.divided = true;
        let root = source.root;
        for entry in list(root, base, &mut self.rejected)? {
            let Some(part) = parts.iter().find(|part| part.path == entry.path) else {
                self.reject_all(root, &entry.path, NOT_IN_A_PART);
                continue;
            };
            self.descend(root, &part.path, &part.place)?;
            let before = self.rejected.len();
            for class in list(root, &part.place, &mut self.rejected)? {
                self.read_class(source, class, part.part)?;
            }
            if part.photos.folders.is_empty() {
                self.notes.push(format!(
                    "`{}` has no folder of a class: what its {} files show is not known, and they \
                     are left out.",
                    relative(root, &part.place),
                    self.rejected.len() - before
                ));
            }
        }
        Ok(())
    }

    fn read_class(&mut self, source: &Source, entry: Entry, given: Option<Split>) -> Result<()> {
        let root = source.root;
        if !entry.is_dir {
            self.reject_all(root, &entry.path, NOT_IN_A_CLASS);
            return Ok(());
        }
        let label = match source.expected.preset {
            // A Mac writes `é` as `e` and an accent: other bytes than elsewhere, but the same
            // class.
            None => composed(&entry.name),
            Some(preset) => match preset.class_of(&entry.name) {
                Some(label) => label,
                // The user did not ask for the other breeds, so they are not rejected files.
                None => return Ok(()),
            },
        };
        if label.contains(is_control) {
            return Err(DataError::ClassName {
                path: source.named.join(relative(root, &entry.path)),
            });
        }
        let spelling = self.spellings.entry(label.clone()).or_insert_with(|| entry.name.clone());
        if *spelling != entry.name {
            self.notes.push(format!(
                "Two spellings of `{label}` in Unicode look the same: they are one class."
            ));
        }
        self.classes.push(label.clone());
        let class_folder = relative(root, &entry.path);
        for (source, file) in files_below(root, &entry.path, &mut self.rejected) {
            let below = source.strip_prefix(&class_folder).unwrap_or_default();
            let folder = below.trim_start_matches('/').split_once('/');
            let folder = folder.map(|(folder, _)| composed(folder));
            let label = label.clone();
            self.candidates.push(Candidate { source, file, label, given, folder, group: None });
        }
        Ok(())
    }

    fn reject_all(&mut self, root: &Path, path: &Path, reason: &str) {
        let mut rejected = Vec::new();
        for (source, _) in files_below(root, path, &mut rejected) {
            rejected.push(RejectedPhoto { path: source, reason: reason.into() });
        }
        self.rejected.append(&mut rejected);
    }

    /// Sorts classes and candidates. Without a preset, removes the synsets if all folders are named
    /// like `n02088364-beagle` and the names stay unique.
    fn finish_names(&mut self, preset: Option<Preset>) {
        self.classes.sort();
        self.classes.dedup();
        if preset.is_none() && self.classes.iter().all(|class| split_synset(class).is_some()) {
            let plain = |class: &str| split_synset(class).map(|(_, name)| name.to_lowercase());
            let mut short: Vec<String> =
                self.classes.iter().filter_map(|class| plain(class)).collect();
            short.sort();
            short.dedup();
            if short.len() == self.classes.len() && !short.is_empty() {
                for candidate in &mut self.candidates {
                    if let Some(name) = plain(&candidate.label) {
                        candidate.label = name;
                    }
                }
                self.classes = short;
                self.notes.push(
                    "Classes are named without their synsets (`n02088364-beagle` is `beagle`)."
                        .into(),
                );
            }
        }
        self.candidates.sort_by(|a, b| a.source.cmp(&b.source));
    }

    fn check_preset(&self, named: &Path, preset: Preset) -> Result<()> {
        let missing: Vec<String> = preset
            .required()
            .iter()
            .filter(|(_, name)| !self.classes.iter().any(|class| class == name))
            .map(|(synset, name)| format!("{synset} ({name})"))
            .collect();
        let found = if self.classes.is_empty() {
            "it has no folder such as `n02088364-beagle`".to_string()
        } else if !missing.is_empty() {
            format!("there is no folder of {}", missing.join(", "))
        } else {
            return Ok(());
        };
        Err(DataError::NotThePreset { path: named.into(), preset: preset.as_str(), found })
    }
}

/// Whether a letter breaks a line or is another control character. A name that has one cannot be
/// written into a table.
pub(crate) fn is_control(letter: char) -> bool {
    letter.is_control() || "\u{2028}\u{2029}".contains(letter)
}

/// Whether a folder holds the bounding boxes of Stanford Dogs: `Annotation`, or Kaggle's
/// `annotations` around it. A class may have this name too, so all files inside must have no ending
/// or that of an annotation.
fn is_annotations(entry: &Entry) -> bool {
    if !entry.is_dir || !["annotation", "annotations"].contains(&entry.name.to_lowercase().as_str())
    {
        return false;
    }
    let mut files = walkdir::WalkDir::new(&entry.path)
        .into_iter()
        .filter_map(|inside| inside.ok().filter(|inside| inside.file_type().is_file()));
    files.all(|file| {
        file.path()
            .extension()
            .is_none_or(|ending| ["xml", "mat", "txt", "json"].iter().any(|known| ending == *known))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_link_upwards_is_not_followed_and_a_folder_without_a_name_is_counted_photo_by_photo() {
        let dir = tempfile::tempdir().unwrap();
        for class in ["ant", "bee"] {
            std::fs::create_dir(dir.path().join(class)).unwrap();
            std::fs::write(dir.path().join(class).join("1.jpg"), "").unwrap();
        }
        std::os::unix::fs::symlink("..", dir.path().join("ant/loop")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("all")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("1.jpg"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("wasp")).unwrap();
        let nameless = dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        std::fs::create_dir(&nameless).unwrap();
        for photo in ["1.jpg", "2.jpg"] {
            std::fs::write(nameless.join(photo), "").unwrap();
        }
        let layout = Layout::read(dir.path(), dir.path(), Expected::default()).unwrap();
        let found: Vec<&str> =
            layout.candidates.iter().map(|photo| photo.source.as_str()).collect();
        assert_eq!(found, ["ant/1.jpg", "bee/1.jpg", "wasp/1.jpg"]);
        let reasons: Vec<&str> =
            layout.rejected.iter().map(|photo| photo.reason.as_str()).collect();
        assert_eq!(
            reasons.iter().filter(|reason| reason.contains("not UTF-8")).count(),
            3,
            "{reasons:?}"
        );
        let loops =
            reasons.iter().filter(|reason| **reason == "a link to a folder that it lies in");
        assert_eq!(loops.count(), 2, "{reasons:?}");
    }
}
