//! Scans a source: decodes every file, and lists the usable photos with their classes and the other
//! files with the reason why they are left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use kennel_core::scratch::Scratch;
use kennel_core::task::Event;
use kennel_core::{CoreError, Hint, RejectedPhoto, Split, Task, caseless, files};
use rayon::prelude::*;

use crate::archive;
use crate::decode::{DecodeError, Note, Notes, Taken, decode, read_bounded, taken};
use crate::endings::other_format;
use crate::error::{DataError, Result};
use crate::fingerprint::Fingerprint;
use crate::foreign_letter::foreign_letter;
use crate::layout::{Candidate, Layout};
use crate::listed::{is_table, layout_of};
use crate::litter::NOT_IN_A_CLASS;
use crate::preset::Preset;
use crate::reading::Expected;
use crate::rejected::of_rejected;
use crate::walk::beginning;

// The manifest stores these endings, and a run is resumed only if the digest of its manifest is the
// same. So they are part of the file format, although they name settings of a program.
const MIN_SIDE: &str = " (`kennel prepare --min-side`)";
const MEMORY: &str = " (--memory)";

/// How to scan.
#[derive(Clone, Debug)]
pub struct ScanOptions<'a> {
    /// Takes only the folders of a known data set. Without a preset, every folder is a class.
    pub preset: Option<Preset>,
    /// Leaves out photos whose shorter side has fewer pixels.
    pub min_side_px: u32,
    /// The only allowed classes. Another class with a usable photo is an error, which comes before
    /// the other photos are decoded.
    pub known: Option<&'a [String]>,
    /// The folder whose subfolders are the classes, whatever their names, relative to the source.
    /// Without it, the layout decides.
    pub classes_are: Option<&'a Path>,
    /// Folders whose photos join those of the source. Every folder in them is a class.
    pub added: &'a [PathBuf],
    /// Whether to read when each photo was taken.
    pub reads_time: bool,
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self {
            preset: None,
            min_side_px: 64,
            known: None,
            classes_are: None,
            added: &[],
            reads_time: false,
        }
    }
}

/// A photo that was decoded fully.
#[derive(Clone, Debug)]
pub struct ScannedPhoto {
    /// Relative to the source folder or archive, with `/`. A photo of an added folder begins with
    /// its name: `+new/beagle/1.jpg`.
    pub source: String,
    /// Path of the file.
    pub file: PathBuf,
    /// Class name.
    pub label: String,
    /// Its part, where the source is already divided. An added photo has none.
    pub given: Option<Split>,
    /// The first folder on its path below the class's folder.
    pub folder: Option<String>,
    /// Its group, if the source names it.
    pub group: Option<String>,
    /// Width after orientation, in pixels.
    pub width_px: u32,
    /// Height after orientation, in pixels.
    pub height_px: u32,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Its fingerprint, to find duplicates.
    pub fingerprint: Fingerprint,
    /// When it was taken, if that was asked for and is stated.
    pub taken: Option<Taken>,
}

/// The result of a scan.
#[derive(Debug)]
pub struct Scan {
    /// Names of the classes with at least one photo, sorted by bytes.
    pub classes: Vec<String>,
    /// Sorted by source. Those of added folders come last.
    pub photos: Vec<ScannedPhoto>,
    /// Sorted by path.
    pub rejected: Vec<RejectedPhoto>,
    /// Whether the source was already divided into train, val and test.
    pub divided: bool,
    /// Sentences for the user.
    pub notes: Vec<String>,
    /// The temporary folder of an unpacked archive; removed when this value is dropped.
    unpacked: Option<Scratch>,
}

impl<'a> ScanOptions<'a> {
    fn expected(&self) -> Expected<'a> {
        Expected { preset: self.preset, known: self.known, classes_are: self.classes_are }
    }
}

impl Scan {
    /// Checks that a divided source has training photos.
    pub(crate) fn check_train(&self, named: &Path) -> Result<()> {
        let is_elsewhere =
            |photo: &ScannedPhoto| photo.given.is_some_and(|given| given != Split::Train);
        match self.divided && self.photos.iter().all(is_elsewhere) {
            true => Err(DataError::NoTrainingPart { path: named.into() }),
            false => Ok(()),
        }
    }

    /// Whether a file is temporary, unpacked from an archive.
    pub fn is_unpacked(&self, file: &Path) -> bool {
        self.unpacked.as_ref().is_some_and(|unpacked| file.starts_with(unpacked.path()))
    }
}

/// Reads a folder, a tar or a table of photos, and decodes every file in parallel. The source is
/// only read. A tar is unpacked into a temporary folder in `scratch`, which exists as long as the [`Scan`].
///
/// # Errors
///
/// - `source` does not exist, or is neither a folder, a tar nor a table.
/// - A table has a line that cannot be used ([`DataError::Table`]).
/// - It is not the preset, or it has a class that is not in `options.known`.
/// - Its folders can be read in two ways, or name no class.
/// - A folder cannot be added ([`DataError::NotAdded`]).
/// - It has fewer than two classes with photos (one is enough with `options.known`).
/// - [`DataError::Stopped`] once the task is stopped.
///
/// A single file that cannot be used is a row in `rejected`, never an error.
pub fn scan(source: &Path, options: &ScanOptions, scratch: &Path, task: Task<'_>) -> Result<Scan> {
    if !source.exists() {
        return Err(DataError::NotFound { path: source.into() });
    }
    if source.is_dir() {
        return scan_folder(source, source, options, None, task);
    }
    if is_table(source) {
        let mut layout = layout_of(source)?;
        layout.add(files::folder_of(source), options.added)?;
        return scan_layout(source, layout, options, None, task);
    }
    let unpacked = Scratch::new_in(scratch, ".kennel-unpacked-")?;
    let is_whole = archive::unpack(source, unpacked.path(), task)?;
    let folder = unpacked.path().to_path_buf();
    let mut scan = scan_folder(source, &folder, options, Some(unpacked), task)?;
    if !is_whole {
        scan.notes
            .push("The archive ends without an end marker: the rest of it may be missing.".into());
    }
    Ok(scan)
}

fn scan_folder(
    named: &Path,
    folder: &Path,
    options: &ScanOptions,
    unpacked: Option<Scratch>,
    task: Task<'_>,
) -> Result<Scan> {
    let mut layout = Layout::read(named, folder, options.expected())?;
    layout.add(folder, options.added)?;
    scan_layout(named, layout, options, unpacked, task)
}

fn scan_layout(
    named: &Path,
    layout: Layout,
    options: &ScanOptions,
    unpacked: Option<Scratch>,
    task: Task<'_>,
) -> Result<Scan> {
    let Layout { candidates, mut rejected, divided, classes: folders, mut notes, added, .. } =
        layout;
    if let Some(found) = class_not_among(&candidates, options) {
        return Err(DataError::UnknownClass { path: named.into(), found });
    }
    let (all, done) = (candidates.len(), AtomicUsize::new(0));
    task.tell(Event::Photos { done: 0, of: all });
    let looked_at: Vec<Result<(ScannedPhoto, Vec<Note>), LeftOut>> = candidates
        .into_par_iter()
        .map(|candidate| {
            task.check()?;
            let found = photo_of(candidate, options);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            task.tell(Event::Photos { done, of: all });
            Ok(found)
        })
        .collect::<Result<_>>()?;
    let mut photos = Vec::with_capacity(all);
    let mut other_formats: BTreeMap<String, usize> = BTreeMap::new();
    let mut of_photos = Notes::default();
    for found in looked_at {
        match found {
            Ok((photo, notes)) => {
                of_photos.add(&photo.source, &notes);
                photos.push(photo);
            }
            Err(LeftOut { row, other_format }) => {
                rejected.push(row);
                if let Some(format) = other_format {
                    *other_formats.entry(format).or_default() += 1;
                }
            }
        }
    }
    if !other_formats.is_empty() {
        let counted: Vec<String> =
            other_formats.iter().map(|(format, count)| format!("{count} {format}")).collect();
        notes.push(format!(
            "Files of formats that are not read: {}. Convert those that are photos to JPEG or PNG.",
            counted.join(", ")
        ));
    }
    notes.extend(of_photos.sentences());
    for name in added {
        let is_of_it = |photo: &&ScannedPhoto| {
            photo.source.strip_prefix(&name).is_some_and(|rest| rest.starts_with('/'))
        };
        notes
            .push(format!("Photos added as `{name}`: {}.", photos.iter().filter(is_of_it).count()));
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));

    let mut classes: Vec<String> = photos.iter().map(|photo| photo.label.clone()).collect();
    classes.sort();
    classes.dedup();
    for folder in folders.iter().filter(|folder| !classes.contains(folder)) {
        notes.push(format!("Folder `{folder}` holds no usable photo and is not a class."));
    }
    for (index, class) in classes.iter().enumerate() {
        let alike = |other: &&String| caseless(other) == caseless(class);
        if let Some(other) = classes[..index].iter().find(alike) {
            notes.push(format!(
                "Classes `{other}` and `{class}` differ in capitals or spaces only; if they are \
                 one, put their photos into one folder."
            ));
        }
        let twin =
            classes[..index].iter().find_map(|other| Some((other, foreign_letter(class, other)?)));
        if let Some((other, letter)) = twin {
            notes.push(format!(
                "Classes `{other}` and `{class}` look the same: `{letter}` in the second is a letter of another alphabet; if they are one, put \
                 their photos into one folder."
            ));
        }
        let of_class: Vec<&ScannedPhoto> =
            photos.iter().filter(|photo| photo.label == *class).collect();
        if let Some((above, count)) = folders_below(&of_class) {
            notes.push(format!(
                "The photos of class `{class}` lie in {count} folders in `{above}`; if those are \
                 the classes, give that folder."
            ));
        }
    }
    match classes.as_slice() {
        [] => Err(DataError::NoPhotos {
            path: named.into(),
            found: describe(&folders, &rejected),
            above: is_of_one_class(named, &rejected),
        }),
        // A single class is fine when the set of classes is known.
        [class] if options.known.is_none() => Err(DataError::OneClass {
            path: named.into(),
            class: class.clone(),
            hint: Box::new(hint_one_class(named, &photos)),
        }),
        _ => Ok(Scan { classes, photos, rejected, divided, notes, unpacked }),
    }
}

/// Returns the first class with a usable photo that is not in `options.known`.
fn class_not_among(candidates: &[Candidate], options: &ScanOptions) -> Option<String> {
    let known = options.known?;
    let others = candidates.iter().filter(|candidate| !known.contains(&candidate.label));
    let mut usable = others.filter(|candidate| photo_of((*candidate).clone(), options).is_ok());
    usable.next().map(|candidate| candidate.label.clone())
}

/// Returns the hint for photos of one class: the classes may be folders inside it, or beside it.
fn hint_one_class(named: &Path, photos: &[ScannedPhoto]) -> Hint {
    match folders_below(&photos.iter().collect::<Vec<_>>()) {
        Some((above, count)) => {
            let packed = !named.is_dir();
            let folder = if packed { above.into() } else { named.join(above) };
            Hint::ClassesInside { folder, count, packed }
        }
        None => Hint::OneFolderPerClass { source: named.into() },
    }
}

/// Returns the folder that all photos lie below, and how many folders below it hold them. None if a
/// photo lies directly in it, or if all lie in one folder.
fn folders_below(photos: &[&ScannedPhoto]) -> Option<(String, usize)> {
    let mut folders: Vec<&str> =
        photos.iter().filter_map(|photo| Some(photo.source.rsplit_once('/')?.0)).collect();
    folders.sort();
    folders.dedup();
    let [first, .., last] = folders.as_slice() else { return None };
    let common = first.split('/').zip(last.split('/')).take_while(|(a, b)| a == b).count();
    let above = first.split('/').take(common).collect::<Vec<_>>().join("/");
    (common > 0 && *first != above).then_some((above, folders.len()))
}

/// Whether the source may be the folder of one class: files lie directly in it.
fn is_of_one_class(named: &Path, rejected: &[RejectedPhoto]) -> bool {
    rejected.iter().any(|photo| photo.reason == NOT_IN_A_CLASS) && named.is_dir()
}

fn describe(folders: &[String], rejected: &[RejectedPhoto]) -> String {
    match (folders.len(), rejected) {
        (0, []) => "the folder is empty".into(),
        (folders, []) => format!("{folders} folders without a file"),
        (_, rejected) => {
            of_rejected(rejected).map(|left_out| left_out.to_string()).unwrap_or_default()
        }
    }
}

/// A file that is left out.
struct LeftOut {
    row: RejectedPhoto,
    /// The file's format, if it is one that Kennel does not read.
    other_format: Option<String>,
}

/// Reads the photo in a file, if its format is supported.
fn photo_of(
    candidate: Candidate,
    options: &ScanOptions,
) -> Result<(ScannedPhoto, Vec<Note>), LeftOut> {
    let path = candidate.source.clone();
    let other_format = other_format(&candidate.file, beginning);
    let found = match &other_format {
        None => look_at(candidate, options),
        Some(what) => Err(stored_reason(&DecodeError::Unsupported { what: what.clone() })),
    };
    found.map_err(|reason| LeftOut { row: RejectedPhoto { path, reason }, other_format })
}

/// Returns the reason that the manifest stores.
fn stored_reason(error: &DecodeError) -> String {
    match error {
        DecodeError::TooMuchMemory { .. } => format!("{error}{MEMORY}"),
        error => error.to_string(),
    }
}

fn look_at(
    candidate: Candidate,
    options: &ScanOptions,
) -> Result<(ScannedPhoto, Vec<Note>), String> {
    let min_side_px = options.min_side_px;
    // The row names the file already, so the reason does not.
    let bytes = read_bounded(&candidate.file).map_err(|error| match error {
        DataError::Decode { source, .. } => stored_reason(&source),
        DataError::Core(CoreError::Io { source, .. }) => format!("cannot be read: {source}"),
        other => other.to_string(),
    })?;
    let decoded = decode(&bytes).map_err(|error| stored_reason(&error))?;
    let (width_px, height_px) = decoded.photo.dimensions();
    if width_px.min(height_px) < min_side_px {
        return Err(format!(
            "too small: {width_px} x {height_px} pixels, the shorter side must have \
             {min_side_px}{MIN_SIDE}"
        ));
    }
    let photo = ScannedPhoto {
        source: candidate.source,
        file: candidate.file,
        label: candidate.label,
        given: candidate.given,
        folder: candidate.folder,
        group: candidate.group,
        width_px,
        height_px,
        sha256: files::sha256_bytes(&bytes),
        fingerprint: Fingerprint::new(&decoded.photo),
        taken: if options.reads_time { taken(&bytes) } else { None },
    };
    Ok((photo, decoded.notes))
}
