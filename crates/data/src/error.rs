//! Errors between a folder of photos and a batch of pixels.

use std::fmt;
use std::path::{Path, PathBuf};

use kennel_core::hint::{Output, Stale};
use kennel_core::{CoreError, Hint, Hinted, Manifest, RejectedPhoto, Stopped};

use crate::decode::DecodeError;

/// The result type of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// How many lines of a table a message names.
pub(crate) const LINES_SHOWN: usize = 10;

/// A folder, archive or photo that cannot be used.
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
    #[error("{address} is an address, and nothing is fetched", address = kennel_core::shown(address))]
    Address {
        /// The address.
        address: PathBuf,
    },
    /// The given path does not exist.
    #[error("there is no {path}", path = kennel_core::shown(path))]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The data set does not exist.
    #[error("there is no {path}", path = kennel_core::shown(path))]
    NoDataset {
        /// The path.
        path: PathBuf,
    },
    /// The folder is one part of a prepared data set, or it holds one.
    #[error("{path} {found}", path = kennel_core::shown(path))]
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
    #[error("{path} is a file, not a folder of photos", path = kennel_core::shown(path))]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The folders of the source can be read in two ways.
    #[error(
        "the folders of {path} can be read in two ways{}", in_lines(&readings[..]), path = kennel_core::shown(path)
    )]
    AmbiguousLayout {
        /// The source.
        path: PathBuf,
        /// The two readings.
        readings: Box<[LayoutReading; 2]>,
    },
    /// Photos that lie in no class folder.
    #[error("{folder} in {path} holds photos and no folder of a class", path = kennel_core::shown(path))]
    NoClassFolders {
        /// The source.
        path: PathBuf,
        /// The folder with the photos, relative to the source.
        folder: String,
        /// The folder whose subfolders may be the classes themselves, relative to the source.
        classes_are: String,
    },
    /// The folder given as `classes_are` does not exist in the source.
    #[error("there is no folder {told} in {path}", told = kennel_core::shown(told), path = kennel_core::shown(path))]
    NoSuchClasses {
        /// The source.
        path: PathBuf,
        /// The given folder.
        told: PathBuf,
    },
    /// A folder whose photos cannot join those of the source.
    #[error("cannot add the photos of {path}: {reason}", path = kennel_core::shown(path))]
    NotAdded {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A class name with a line break or another control character: it cannot be written into a
    /// table.
    #[error("the class folder {path:?} has a line break or another control character in its name")]
    ClassName {
        /// The folder.
        path: PathBuf,
    },
    /// The source is divided, but has no training part.
    #[error("{path} has no training part: all its photos lie in the other parts", path = kennel_core::shown(path))]
    NoTrainingPart {
        /// The source.
        path: PathBuf,
    },
    /// The source has no usable photo.
    #[error("no photos in {path}: {found}", path = kennel_core::shown(path))]
    NoPhotos {
        /// The source.
        path: PathBuf,
        /// What is there instead.
        found: String,
        /// Whether the folder above it may have been meant.
        above: bool,
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
    #[error("{path} has one class, `{class}`; a classifier needs at least two", path = kennel_core::shown(path))]
    OneClass {
        /// The source.
        path: PathBuf,
        /// The only class.
        class: String,
        /// Where the classes may be.
        hint: Box<Hint>,
    },
    /// A class without training photos.
    #[error("class `{class}` has {train} training photos ({all} usable in all, in {path}{})", and(left_out), path = kennel_core::shown(path))]
    TooFewPhotos {
        /// The source.
        path: PathBuf,
        /// The class.
        class: String,
        /// Its photos in the training part.
        train: usize,
        /// Its usable photos in every part.
        all: usize,
        /// Its files that were left out.
        left_out: Option<Box<LeftOut>>,
        /// What may help.
        hint: Box<Hint>,
    },
    /// The split's fractions do not divide a data set.
    #[error("fractions of train {train} and validation {val} do not divide a data set")]
    Fractions {
        /// Share of the training photos.
        train: f64,
        /// Share of the validation photos.
        val: f64,
    },
    /// Fewer than two folds.
    #[error("{folds} folds divide nothing: cross-validation needs at least 2")]
    TooFewFolds {
        /// The number of folds.
        folds: usize,
    },
    /// The photos to divide into folds are of one class, or there are none.
    #[error("{}; folds need photos of at least two classes", only(class))]
    FoldsOfOneClass {
        /// The class, if there is a photo.
        class: Option<String>,
    },
    /// A class has fewer groups of photos than there are folds.
    #[error("class `{class}` has {}, too few for {folds} folds", of_groups(*photos, *groups))]
    TooManyFolds {
        /// The number of folds.
        folds: usize,
        /// The class with the fewest groups.
        class: String,
        /// Its photos.
        photos: usize,
        /// Its groups: photos that are the same, look alike or belong together count as one.
        groups: usize,
    },
    /// A grouping that cannot be read.
    #[error("`{found}` does not say how to group photos: {reason}")]
    GroupBy {
        /// The given text.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A grouping that gives no photo a group.
    #[error("grouping by `{by}` finds no group in {path}: {reason}", path = kennel_core::shown(path))]
    NoGroups {
        /// The source.
        path: PathBuf,
        /// The grouping.
        by: String,
        /// Why it finds none.
        reason: &'static str,
    },
    /// A table of photos with lines that cannot be used.
    #[error("{}", table_lines(path, problems))]
    Table {
        /// The table.
        path: PathBuf,
        /// Each line, from 1, and what is wrong with it.
        problems: Vec<(u64, String)>,
    },
    /// The source is not what the preset describes.
    #[error("{path} is not {preset}: {found}", path = kennel_core::shown(path))]
    NotThePreset {
        /// The source.
        path: PathBuf,
        /// The preset's name.
        preset: &'static str,
        /// What is there instead.
        found: String,
    },
    /// The archive holds an entry that must not be unpacked.
    #[error("archive {path} is refused: entry `{entry}` {reason}", path = kennel_core::shown(path))]
    UnsafeArchive {
        /// The archive.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is not a tar archive.
    #[error("{path} is not a tar archive: {found}", path = kennel_core::shown(path))]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The output folder is Kennel's, but replacing it would lose a file that its manifest does not
    /// list.
    #[error("{path} holds {extra}, which is not in its manifest.json; it is left as it is", path = kennel_core::shown(path))]
    OutputHasMore {
        /// The output folder.
        path: PathBuf,
        /// The first such file.
        extra: String,
    },
    /// The output exists, and Kennel did not make it.
    #[error("{path} is not empty and holds no manifest.json of Kennel's; it is left as it is", path = kennel_core::shown(path))]
    OutputNotOurs {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is preparing this output.
    #[error("{path} is being prepared by another process", path = kennel_core::shown(path))]
    OutputInUse {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is reading the output that would be replaced.
    #[error("{path} is being read by another process, such as a training", path = kennel_core::shown(path))]
    OutputBeingRead {
        /// The output folder.
        path: PathBuf,
    },
    /// Another process is replacing the folder that would be read.
    #[error("{path} is being replaced by another process", path = kennel_core::shown(path))]
    BeingReplaced {
        /// The folder.
        path: PathBuf,
    },
    /// Output and source overlap.
    #[error("output {out} lies inside the source {source_dir} (or around it), which `prepare` \
        never changes", out = kennel_core::shown(out), source_dir = kennel_core::shown(source_dir))]
    OutputInsideSource {
        /// The output folder.
        out: PathBuf,
        /// The source folder.
        source_dir: PathBuf,
    },
    /// Photos that the manifest lists are missing.
    #[error(
        "{missing} of {all} photos that {manifest} lists are not in {folder}, the first is {first}",
        manifest = kennel_core::shown(manifest), folder = kennel_core::shown(folder)
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
    #[error("{manifest} cannot be believed: {reason}", manifest = kennel_core::shown(manifest))]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A hard link that the file system refuses.
    #[error("cannot link {path} as {to}: {source}", path = kennel_core::shown(path), to = kennel_core::shown(to))]
    Link {
        /// The photo.
        path: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A photo that is not sorted, or not put back.
    #[error("{path} stays where it is: {reason}", path = kennel_core::shown(path))]
    Stays {
        /// The photo.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// Photos would be sorted into a folder among them.
    #[error("{out} lies in {folder}, whose photos would be sorted", out = kennel_core::shown(out), folder = kennel_core::shown(folder))]
    SortedAmongPhotos {
        /// The output folder.
        out: PathBuf,
        /// The folder of photos.
        folder: PathBuf,
    },
    /// Another process sorts photos into this folder, or undoes it.
    #[error("another process sorts photos into {out}", out = kennel_core::shown(out))]
    BeingSorted {
        /// The output folder.
        out: PathBuf,
    },
    /// There is nothing to undo.
    #[error("{out} holds no {}: no photos were sorted into it", crate::sort::JOURNAL, out = kennel_core::shown(out))]
    NothingSorted {
        /// The folder.
        out: PathBuf,
    },
    /// Stopped on request.
    #[error("stopped; nothing was written")]
    Stopped(#[from] Stopped),
    /// A photo was removed after the data set was opened.
    #[error("{path} is gone since its data set was opened", path = kennel_core::shown(path))]
    PhotoGone {
        /// The photo.
        path: PathBuf,
    },
    /// A photo has another SHA-256 than when it was prepared or scanned.
    #[error("{path} is not the photo that was prepared: its SHA-256 is another", path = kennel_core::shown(path))]
    PhotoChanged {
        /// The photo.
        path: PathBuf,
    },
    /// A photo changed between the scan and the copy.
    #[error("{path} changed while it was being prepared", path = kennel_core::shown(path))]
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

/// Files that were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub files: usize,
    /// One of those with the most common reason.
    pub example: RejectedPhoto,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RejectedPhoto { path, reason } = &self.example;
        match self.files {
            1 => write!(f, "{path} cannot be used: {reason}"),
            files => write!(f, "{files} files cannot be used, among them {path}: {reason}"),
        }
    }
}

fn and(left_out: &Option<Box<LeftOut>>) -> String {
    left_out.as_ref().map(|left_out| format!("; {left_out}")).unwrap_or_default()
}

fn only(class: &Option<String>) -> String {
    match class {
        Some(class) => format!("all photos are of class `{class}`"),
        None => "there are no photos".into(),
    }
}

/// Renders the number of photos, and of groups if they differ.
fn of_groups(photos: usize, groups: usize) -> String {
    let of = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    match photos == groups {
        true => of(photos, "photo"),
        false => format!("{} in {} that stay together", of(photos, "photo"), of(groups, "group")),
    }
}

/// Renders the first lines of a table that cannot be used.
fn table_lines(path: &Path, problems: &[(u64, String)]) -> String {
    let path = kennel_core::shown(path);
    if let [(line, reason)] = problems {
        return format!("{path}:{line}: {reason}");
    }
    let lines: String = problems
        .iter()
        .take(LINES_SHOWN)
        .map(|(line, reason)| format!("\n  line {line}: {reason}"))
        .collect();
    let more = match problems.len().saturating_sub(LINES_SHOWN) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    format!("{path}: {} lines cannot be used{lines}{more}", problems.len())
}

/// Renders one line per reading.
fn in_lines(readings: &[LayoutReading]) -> String {
    let line = |reading: &LayoutReading| {
        let more = match reading.classes.len() {
            6.. => format!(" and {} more", reading.classes.len() - 5),
            _ => String::new(),
        };
        let classes =
            reading.classes.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("\n  classes {classes}{more} in {}", reading.classes_are)
    };
    readings.iter().map(line).collect()
}

impl Hinted for DataError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            DataError::Core(error) => return error.hints(),
            DataError::Decode { source, .. } => return source.hints(),
            DataError::Address { .. } => Hint::PipeIn,
            DataError::NotFound { .. } => Hint::ClassFoldersOrTar,
            DataError::NoDataset { .. } => Hint::Prepare,
            DataError::NotThisFolder { meant, others, .. } => {
                Hint::OtherData { folder: meant.clone(), others: *others }
            }
            DataError::NotAFolder { path } if is_tar(path) => Hint::PrepareArchive(path.clone()),
            DataError::NotAFolder { .. } => Hint::FolderOfClasses,
            DataError::AmbiguousLayout { path, readings } => Hint::ChooseReading {
                source: path.clone(),
                classes_are: [readings[0].classes_are.clone(), readings[1].classes_are.clone()],
            },
            DataError::NoClassFolders { path, folder, classes_are } => Hint::FolderPerClass {
                source: path.clone(),
                folder: folder.clone(),
                classes_are: classes_are.clone(),
            },
            DataError::NoSuchClasses { .. } => Hint::ClassesAre,
            DataError::ClassName { .. } => Hint::Rename,
            DataError::NoTrainingPart { path } => Hint::AddTrainingPart { source: path.clone() },
            DataError::NoPhotos { path, above, .. } => {
                Hint::ExpectedFolders { source: path.clone(), above: *above }
            }
            DataError::OneClass { hint, .. } | DataError::TooFewPhotos { hint, .. } => {
                (**hint).clone()
            }
            DataError::Fractions { .. } => Hint::ValidFractions,
            DataError::GroupBy { .. } | DataError::NoGroups { .. } => Hint::GroupBy,
            DataError::TooFewFolds { .. } => Hint::Folds { most: None },
            DataError::TooManyFolds { groups, .. } => Hint::Folds { most: Some(*groups) },
            DataError::NotThePreset { .. } => Hint::StanfordDogs,
            DataError::UnsafeArchive { .. } => Hint::UnpackSafely,
            DataError::NotAnArchive { .. } => Hint::FolderOrTar,
            DataError::OutputHasMore { .. } => Hint::OtherOutput(Output::HoldsFile),
            DataError::OutputNotOurs { .. } => Hint::OtherOutput(Output::NotOurs),
            DataError::OutputInUse { .. } => Hint::OtherOutput(Output::InUse),
            DataError::OutputBeingRead { .. } => Hint::OtherOutput(Output::BeingRead),
            DataError::OutputInsideSource { .. } => Hint::OtherOutput(Output::InSource),
            DataError::BeingReplaced { .. } => Hint::WaitForPrepare,
            // A folder without a manifest may be the user's own, with the photos in their original
            // places.
            DataError::MissingPhotos { folder, .. } => {
                match folder.join(Manifest::FILE_NAME).is_file() {
                    true => Hint::PrepareAgain(Stale::Incomplete),
                    false => Hint::BringBack,
                }
            }
            DataError::Manifest { .. } => Hint::PrepareAgain(Stale::Manifest),
            DataError::Link { .. } => Hint::CopyInstead,
            DataError::PhotoGone { .. } => Hint::PrepareAgain(Stale::Gone),
            DataError::PhotoChanged { .. } => Hint::PrepareAgain(Stale::Changed),
            DataError::SourceChanged { .. } => Hint::PrepareAgain(Stale::ChangedMeanwhile),
            DataError::SortedAmongPhotos { .. } => Hint::SortElsewhere,
            DataError::BeingSorted { .. } => Hint::WaitOrStop,
            DataError::Stays { .. }
            | DataError::NothingSorted { .. }
            | DataError::NotAdded { .. }
            | DataError::UnknownClass { .. }
            | DataError::FoldsOfOneClass { .. }
            | DataError::Table { .. }
            | DataError::Stopped(_) => return Vec::new(),
        };
        vec![hint]
    }
}

fn is_tar(path: &Path) -> bool {
    path.to_string_lossy().to_lowercase().ends_with(".tar")
}

impl DataError {
    /// A table of photos with lines that cannot be used.
    pub(crate) fn table(path: &Path, problems: Vec<(u64, String)>) -> DataError {
        DataError::Table { path: path.into(), problems }
    }

    /// Wraps an I/O error with what was tried and where.
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DataError {
        let wrapped = CoreError::io(verb, path);
        move |source| wrapped(source).into()
    }
}
