//! Decides what sibling folders are: classes, parts of a division, or wrappers around the classes.
//! [`crate::layout`] states the rule.

use std::path::{Component, Path, PathBuf};

use kennel_core::{Split, composed};

use crate::division::parts_among;
use crate::error::{DataError, LayoutReading, Result};
use crate::preset::Preset;
use crate::walk::{Entry, Photos, relative};

/// What is known about the classes before the folder is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected<'a> {
    /// Takes only the folders of this preset.
    pub preset: Option<Preset>,
    /// Class names of a trained network, if there is one.
    pub known: Option<&'a [String]>,
    /// The folder, relative to the source, whose subfolders are the classes, whatever their names.
    pub classes_are: Option<&'a Path>,
}

/// What sibling folders are.
pub(crate) enum Reading {
    /// The classes are inside this folder further down.
    Inside(PathBuf),
    /// Classes.
    Classes,
    /// Parts of a division. Other folders beside them are not.
    Parts(Vec<Around>),
}

/// A folder whose name says that it contains classes.
pub(crate) struct Around {
    pub path: PathBuf,
    /// None for `images`.
    pub part: Option<Split>,
    /// The folder of its classes: itself, or a folder inside it with the same word or `images`.
    pub place: PathBuf,
    pub photos: Photos,
}

/// A source before it is read.
pub(crate) struct Source<'a> {
    /// Its name in errors.
    pub named: &'a Path,
    /// Its path.
    pub root: &'a Path,
    pub expected: Expected<'a>,
}

impl Source<'_> {
    /// Returns the folder where reading begins: `classes_are`, or the source.
    pub fn told(&self) -> Result<PathBuf> {
        let Some(told) = self.expected.classes_are else { return Ok(self.root.into()) };
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let base = self.root.join(told);
        match told.components().all(is_inside) && base.is_dir() {
            true => Ok(base.components().collect()),
            false => Err(DataError::NoSuchClasses { path: self.named.into(), told: told.into() }),
        }
    }

    /// Applies the rule to the folders in `base`.
    pub fn reading(&self, base: &Path, photos: &Photos) -> Result<Reading> {
        let names = photos.names();
        let around: Vec<Around> = (photos.folders.iter().zip(parts_among(&names)))
            .filter(|(folder, part)| part.is_some() || is_images(&folder.path))
            .map(|(folder, part)| Around::new(folder, part))
            .collect();
        if self.are_classes(&names, around.len()) {
            return Ok(Reading::Classes);
        }
        match around.as_slice() {
            [] => self.reading_without_words(base, photos),
            _ => self.reading_of_words(base, &names, around),
        }
    }

    /// Whether the folders are classes whatever their names: because of `classes_are`, the preset,
    /// or the known names.
    fn are_classes(&self, names: &[&str], words: usize) -> bool {
        let Expected { preset, known, classes_are } = self.expected;
        let is_known = |name: &&str| known.is_some_and(|known| known.contains(&composed(name)));
        classes_are.is_some()
            || preset.is_some_and(|preset| names.iter().any(|name| preset.class_of(name).is_some()))
            // A known class may be named like a part. It is a class if other known classes stand
            // beside it.
            || words < names.len() && names.iter().all(is_known)
    }

    fn reading_of_words(
        &self,
        base: &Path,
        names: &[&str],
        around: Vec<Around>,
    ) -> Result<Reading> {
        let is_train = |around: &&Around| around.part == Some(Split::Train);
        let (with, without): (Vec<&Around>, Vec<&Around>) =
            around.iter().partition(|around| around.has_classes());
        // A training part without class folders is an error, even if other parts have class
        // folders.
        let train_without = without.iter().find(|around| is_train(around));
        let blind = train_without.filter(|_| !with.iter().any(is_train));
        let (Some(first), None) = (with.iter().max_by_key(|around| is_train(around)), blind) else {
            let folder = blind.or(without.first()).map_or(base, |around| &around.place);
            return Err(self.no_class_folders(base, folder));
        };
        let mut kinds: Vec<Split> = around.iter().filter_map(|around| around.part).collect();
        let all_are_parts = kinds.len() == names.len();
        kinds.sort();
        kinds.dedup();
        match kinds.len() {
            0 if names.len() == 1 => Ok(Reading::Inside(first.place.clone())),
            1 if all_are_parts => Ok(Reading::Parts(around)),
            2.. => Ok(Reading::Parts(
                around.into_iter().filter(|around| around.part.is_some()).collect(),
            )),
            _ => Err(self.ambiguous([(base, names), (&first.place, &first.photos.names())])),
        }
    }

    fn reading_without_words(&self, base: &Path, photos: &Photos) -> Result<Reading> {
        let names = photos.names();
        let Some(first) = photos.folders.first() else { return Ok(Reading::Classes) };
        if names.iter().all(|name| is_of_camera(name)) {
            return Err(self.no_class_folders(base, &first.path));
        }
        let inner = Photos::of(&first.path);
        if names.len() == 1 && !inner.is_loose {
            return Ok(Reading::Inside(first.path.clone()));
        }
        if names.len() > 1 && shared_names(&inner, &photos.folders[1..]) > 1 {
            return Err(self.ambiguous([(base, &names), (&first.path, &inner.names())]));
        }
        Ok(Reading::Classes)
    }

    fn no_class_folders(&self, base: &Path, folder: &Path) -> DataError {
        DataError::NoClassFolders {
            path: self.named.into(),
            folder: relative(self.root, folder),
            classes_are: or_dot(relative(self.root, base)),
        }
    }

    fn ambiguous(&self, readings: [(&Path, &[&str]); 2]) -> DataError {
        let readings = readings.map(|(folder, classes)| LayoutReading {
            classes_are: or_dot(relative(self.root, folder)),
            classes: classes.iter().map(|class| class.to_string()).collect(),
        });
        DataError::AmbiguousLayout { path: self.named.into(), readings: Box::new(readings) }
    }
}

impl Around {
    fn new(folder: &Entry, part: Option<Split>) -> Self {
        let (mut place, mut photos) = (folder.path.clone(), Photos::of(&folder.path));
        while let ([inner], false) = (photos.folders.as_slice(), photos.is_loose) {
            let is_same_part = part.is_some() && parts_among(&[&inner.name]) == [part];
            if !is_same_part && !is_images(&inner.path) {
                break;
            }
            place = inner.path.clone();
            photos = Photos::of(&place);
        }
        Around { path: folder.path.clone(), part, place, photos }
    }

    /// Whether it contains folders that may be classes. For `images`, any folder may be: the rule
    /// is applied again inside it.
    fn has_classes(&self) -> bool {
        let names = self.photos.names();
        let words = parts_among(&names).iter().flatten().count();
        names.len() > if self.part.is_some() { words } else { 0 }
    }
}

/// Returns how many folder names of `first` all others have too, or 0 if any of them holds photos
/// directly. Numbers and camera folders do not count, because any folder may contain them.
fn shared_names(first: &Photos, others: &[Entry]) -> usize {
    let is_any = |name: &str| is_of_camera(name) || name.bytes().all(|byte| byte.is_ascii_digit());
    let mut shared: Vec<&str> = first.names().into_iter().filter(|name| !is_any(name)).collect();
    let mut is_loose = first.is_loose;
    for other in others {
        if is_loose || shared.len() < 2 {
            return 0;
        }
        let photos = Photos::of(&other.path);
        let names = photos.names();
        shared.retain(|name| names.contains(name));
        is_loose = photos.is_loose;
    }
    if is_loose { 0 } else { shared.len() }
}

/// Whether a folder is named `images` or the like: it holds the pictures, and lies next to
/// annotations.
pub(crate) fn is_images(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    ["images", "image", "imgs", "img", "jpegimages", "photos", "pictures"].contains(&name.as_str())
}

/// Whether a camera made a folder: three digits and five capital letters, digits or `_`, with at
/// least one letter (DCF 2.0).
fn is_of_camera(name: &str) -> bool {
    let Some((number, rest)) = name.split_at_checked(3) else { return false };
    number.bytes().all(|byte| byte.is_ascii_digit())
        && rest.len() == 5
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && rest.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn or_dot(path: String) -> String {
    if path.is_empty() { ".".into() } else { path }
}
