//! Errors between a folder of photos and a batch of pixels.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::{CoreError, Manifest, quoted};

use crate::decode::DecodeError;

/// The result type of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// A folder, archive or photo that cannot be used; most messages end with a hint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file-system error, or an invalid shared file (the manifest).
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A photo that cannot be decoded.
    #[error("cannot decode {path}: {source}", path = kennel_core::shown(path))]
    Decode {
        /// The photo.
        path: PathBuf,
        /// The cause.
        #[source]
        source: DecodeError,
    },
    /// A web address where a file is expected.
    #[error("{address} is an address, and nothing is fetched; `curl -s ADDRESS | kennel predict -` reads a photo from there", address = kennel_core::shown(address))]
    Address {
        /// The address.
        address: PathBuf,
    },
    /// The given path does not exist.
    #[error("there is no {path}\nhint: give a folder with one folder of photos per class, or a .tar of Stanford Dogs", path = kennel_core::shown(path))]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The data set does not exist.
    #[error("there is no {path}\nhint: `kennel prepare PHOTOS` makes it; --data takes another, or a folder with one folder of photos per class", path = kennel_core::shown(path))]
    NoDataset {
        /// The path.
        path: PathBuf,
    },
    /// The folder is one part of a prepared data set, or it holds one.
    #[error("{path} {found}\nhint: --data {meant}{}", or_another(*others), path = kennel_core::shown(path), meant = quoted(&meant.to_string_lossy()))]
    NotThisFolder {
        /// The folder.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
        /// The folder to use instead.
        meant: PathBuf,
        /// How many other prepared folders lie beside `meant`.
        others: usize,
    },
    /// A file where a folder of photos is expected.
    #[error("{path} is a file, not a folder of photos\nhint: {}", file_way_out(path), path = kennel_core::shown(path))]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The folders of the source can be read in two ways.
    #[error(
        "the folders of {path} can be read in two ways{}\nhint: run the command beside the one that is meant, or move what does not belong there",
        in_lines(path, &readings[..]), path = kennel_core::shown(path)
    )]
    AmbiguousLayout {
        /// The source.
        path: PathBuf,
        /// The two readings.
        readings: Box<[LayoutReading; 2]>,
    },
    /// Photos that lie in no class folder.
    #[error(
        "{folder} in {path} holds photos and no folder of a class\nhint: put the photos of each class into a folder, as in {folder}/<class>/1.jpg; where {folder} and the folders beside it are the classes themselves: {}",
        with_classes_are(path, classes_are), path = kennel_core::shown(path)
    )]
    NoClassFolders {
        /// The source.
        path: PathBuf,
        /// The folder with the photos, relative to the source.
        folder: String,
        /// The folder whose subfolders may be the classes themselves, relative to the source.
        classes_are: String,
    },
    /// The folder given as `classes_are` does not exist in the source.
    #[error("there is no folder {told} in {path}\nhint: --classes-are takes a folder as it is called in the source, or `.` for the source itself", told = kennel_core::shown(told), path = kennel_core::shown(path))]
    NoSuchClasses {
        /// The source.
        path: PathBuf,
        /// The given folder.
        told: PathBuf,
    },
    /// A class name with a line break or another control character: it cannot be written into a
    /// table.
    #[error(
        "the class folder {path:?} has a line break or another control character in its name\nhint: rename it"
    )]
    ClassName {
        /// The folder.
        path: PathBuf,
    },
    /// The source is divided, but has no training part.
    #[error("{path} has no training part: all its photos lie in the other parts\nhint: add train/, or give one part alone, such as {path}/test, to have it divided", path = kennel_core::shown(path))]
    NoTrainingPart {
        /// The source.
        path: PathBuf,
    },
    /// The source has no usable photo.
    #[error(
        "no photos in {path}: {found}\nhint: Kennel expects {path}/<class>/<photo>.jpg, or the same under train/, val/ and test/{or}",
        path = kennel_core::shown(path)
    )]
    NoPhotos {
        /// The source.
        path: PathBuf,
        /// What is there instead.
        found: String,
        /// Empty, or a semicolon and what else may have been meant.
        or: String,
    },
    /// A class that is not among the known ones.
    #[error("{path} has a class `{found}`, which is none of those that are known", path = kennel_core::shown(path))]
    UnknownClass {
        /// The source.
        path: PathBuf,
        /// The class.
        found: String,
    },
    /// The source has one class; a classifier needs at least two.
    #[error(
        "{path} has one class, `{class}`; a classifier needs at least two\nhint: {hint}",
        path = kennel_core::shown(path)
    )]
    OneClass {
        /// The source.
        path: PathBuf,
        /// The only class.
        class: String,
        /// Where the classes may be.
        hint: String,
    },
    /// A class without training photos.
    #[error("class `{class}` has {train} training photos ({all} usable in all, in {path}{left_out})\nhint: {hint}", path = kennel_core::shown(path))]
    TooFewPhotos {
        /// The source.
        path: PathBuf,
        /// The class.
        class: String,
        /// Its photos in the training part.
        train: usize,
        /// Its usable photos in every part.
        all: usize,
        /// Empty, or a semicolon, how many of its files were left out, and the most common reason.
        left_out: String,
        /// The hint.
        hint: String,
    },
    /// The split's fractions do not divide a data set.
    #[error(
        "fractions of train {train} and validation {val} do not divide a data set\nhint: each is at least 0, train is above 0, and together they are at most 1, for example 0.70 and 0.15"
    )]
    Fractions {
        /// Share of the training photos.
        train: f64,
        /// Share of the validation photos.
        val: f64,
    },
    /// The source is not what the preset describes.
    #[error("{path} is not {preset}: {found}\nhint: {hint}", path = kennel_core::shown(path))]
    NotThePreset {
        /// The source.
        path: PathBuf,
        /// The preset's name.
        preset: &'static str,
        /// What is there instead.
        found: String,
        /// The hint.
        hint: String,
    },
    /// The archive holds an entry that must not be unpacked.
    #[error("archive {path} is refused: entry `{entry}` {reason}\nhint: unpack it yourself where that is safe, and give the folder", path = kennel_core::shown(path))]
    UnsafeArchive {
        /// The archive.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is not a tar archive.
    #[error("{path} is not a tar archive: {found}\nhint: `kennel prepare` takes a folder with a folder of photos per class, or a tar of one; what is packed otherwise, unpack first", path = kennel_core::shown(path))]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The output folder is Kennel's, but replacing it would lose a file that its manifest does not
    /// list.
    #[error("{path} holds {extra}, which is not in its manifest.json; it is left as it is\nhint: move that file away, or choose a new folder with --out", path = kennel_core::shown(path))]
    OutputHasMore {
        /// The output folder.
        path: PathBuf,
        /// The first such file.
        extra: String,
    },
    /// The output exists, and Kennel did not make it.
    #[error("{path} is not empty and holds no manifest.json of Kennel's; it is left as it is\nhint: choose a new folder with --out, or empty this one yourself", path = kennel_core::shown(path))]
    OutputNotOurs {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is preparing this output.
    #[error("{path} is being prepared by another process\nhint: wait until it ends, or choose another folder with --out", path = kennel_core::shown(path))]
    OutputInUse {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is reading the output that would be replaced.
    #[error("{path} is being read by another process, such as a training\nhint: wait for it or stop it, or choose another folder with --out", path = kennel_core::shown(path))]
    OutputBeingRead {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is replacing the folder that would be read.
    #[error("{path} is being replaced by another process\nhint: run this again when `kennel prepare` has ended", path = kennel_core::shown(path))]
    BeingReplaced {
        /// The folder.
        path: PathBuf,
    },
    /// Output and source overlap.
    #[error("output {out} lies inside the source {source_dir} (or around it), which `prepare` never changes\nhint: choose a folder elsewhere with --out", out = kennel_core::shown(out), source_dir = kennel_core::shown(source_dir))]
    OutputInsideSource {
        /// The output folder.
        out: PathBuf,
        /// The source folder.
        source_dir: PathBuf,
    },
    /// Photos that the manifest lists are missing.
    #[error(
        "{missing} of {all} photos that {manifest} lists are not in {folder}, the first is {first}\nhint: {hint}",
        manifest = kennel_core::shown(manifest), folder = kennel_core::shown(folder), hint = way_back(folder)
    )]
    MissingPhotos {
        /// Where they should be.
        folder: PathBuf,
        /// The manifest that lists them.
        manifest: PathBuf,
        /// How many are missing.
        missing: usize,
        /// How many it lists.
        all: usize,
        /// The first missing photo.
        first: String,
    },
    /// A manifest that contradicts itself, or names files outside its folder.
    #[error("{manifest} cannot be believed: {reason}\nhint: run `kennel prepare` again", manifest = kennel_core::shown(manifest))]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A hard link that the file system refuses.
    #[error("cannot link {path} as {to}: {source}\nhint: hard links stay on one file system; leave out --link to copy", path = kennel_core::shown(path), to = kennel_core::shown(to))]
    Link {
        /// The photo.
        path: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Stopped on request.
    #[error("stopped; nothing was written")]
    Stopped,
    /// A photo was removed after the data set was opened.
    #[error("{path} is gone since its data set was opened\nhint: was the folder changed, or prepared again? `kennel prepare` with the photos and the --seed of then brings it back", path = kennel_core::shown(path))]
    PhotoGone {
        /// The photo.
        path: PathBuf,
    },
    /// A photo has another SHA-256 than when it was prepared or scanned.
    #[error("{path} is not the photo that was prepared: its SHA-256 is another\nhint: put the photo of then back, or run `kennel prepare` again and train anew", path = kennel_core::shown(path))]
    PhotoChanged {
        /// The photo.
        path: PathBuf,
    },
    /// A photo changed between the scan and the copy.
    #[error("{path} changed while it was being prepared\nhint: run `kennel prepare` again when nothing writes to the source", path = kennel_core::shown(path))]
    SourceChanged {
        /// The photo.
        path: PathBuf,
    },
}

/// One way to read the folders of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutReading {
    /// The folder that the classes are in, relative to the source; `.` is the source itself.
    pub classes_are: String,
    /// The classes.
    pub classes: Vec<String>,
}

/// Returns [`DataError::Stopped`] once `stop` is set.
pub(crate) fn go_on(stop: Option<&AtomicBool>) -> Result<()> {
    match stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
        true => Err(DataError::Stopped),
        false => Ok(()),
    }
}

/// Renders one line per reading, with the command that selects it.
fn in_lines(path: &Path, readings: &[LayoutReading]) -> String {
    let line = |reading: &LayoutReading| {
        let more = match reading.classes.len() {
            6.. => format!(" and {} more", reading.classes.len() - 5),
            _ => String::new(),
        };
        let classes = reading.classes.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("\n  classes {classes}{more}: {}", with_classes_are(path, &reading.classes_are))
    };
    readings.iter().map(line).collect()
}

fn with_classes_are(path: &Path, folder: &str) -> String {
    format!("kennel prepare {} --classes-are {}", quoted(&path.to_string_lossy()), quoted(folder))
}

fn or_another(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(", or one of the {others} beside it"),
    }
}

/// Returns the hint for a file where a folder is expected.
fn file_way_out(path: &Path) -> String {
    let is_tar = path.to_string_lossy().to_lowercase().ends_with(".tar");
    match is_tar {
        true => {
            format!("run `kennel prepare {}` and train on what that writes", quoted(&path.to_string_lossy()))
        }
        false => "give the folder that the folders of the classes lie in".into(),
    }
}

/// Returns the hint for missing photos. A folder without a manifest may be the user's own, with the
/// photos in their original places.
fn way_back(folder: &Path) -> &'static str {
    match folder.join(Manifest::FILE_NAME).is_file() {
        true => "run `kennel prepare` again to restore the folder",
        false => "bring it back, or name a folder that has them with --data",
    }
}

impl DataError {
    /// Wraps an I/O error with what was tried and where.
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DataError {
        let wrapped = CoreError::io(verb, path);
        move |source| wrapped(source).into()
    }
}
