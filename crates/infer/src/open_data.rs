//! Opens data sets and tells what was left out of them.

use std::path::{Path, PathBuf};

use kennel_core::hint::Stale;
use kennel_core::{Hint, Note, RunDir, Split, Task, files, shown};
use kennel_data::{Dataset, DatasetPhoto, PrepareOptions};

use crate::{InferError, Result};

/// Opens a data set to evaluate a network that knows the classes `known`. Tells the task what was
/// left out or decided.
///
/// # Errors
///
/// A data set that is invalid; [`InferError::Stopped`](crate::InferError::Stopped) if the task is
/// stopped while every photo is decoded.
pub fn open_data_to_judge(path: &Path, known: &[String], task: Task<'_>) -> Result<Dataset> {
    let options = PrepareOptions { known: Some(known), ..PrepareOptions::default() };
    let data = Dataset::open_to_judge(path, &options, task)?;
    tell_notes(&data, task);
    Ok(data)
}

/// Opens the photos of one split of a run, as the run's own manifest lists them, in `moved_to` or
/// in the folder that training used. Tells the task how many are gone.
///
/// # Errors
///
/// - [`InferError::NoPhotoFolder`] when the folder is gone.
/// - [`InferError::EmptySplit`] when the split has no photos.
/// - Photos of which none is left.
pub fn open_photos_of_run(
    run: &RunDir,
    split: Split,
    moved_to: Option<&Path>,
    task: Task<'_>,
) -> Result<Dataset> {
    let folder = folder_of_run(run, moved_to)?;
    let manifest = run.read_manifest()?;
    if manifest.photos.iter().all(|photo| photo.split != split) {
        return Err(InferError::EmptySplit {
            path: run.path().into(),
            split,
            needed_for: "an explanation",
            hint: Hint::OtherFractions,
        });
    }
    let (data, gone) = Dataset::of_run(&folder, manifest, &run.manifest(), &[split])?;
    if gone > 0 {
        task.note(format!("{gone} of the run's {split} photos are gone").as_str());
    }
    Ok(data)
}

/// Opens all photos of a run that are still there and unchanged, in the order of the splits. Tells
/// the task how many are not.
///
/// # Errors
///
/// As [`open_photos_of_run`].
pub(crate) fn unchanged_photos_of_run(
    run: &RunDir,
    moved_to: Option<&Path>,
    task: Task<'_>,
) -> Result<Vec<DatasetPhoto>> {
    let manifest = run.read_manifest()?;
    let listed = manifest.photos.len();
    let folder = folder_of_run(run, moved_to)?;
    let (data, _) = Dataset::of_run(&folder, manifest, &run.manifest(), &Split::ALL)?;
    let all = Split::ALL.into_iter().flat_map(|split| data.photos(split).iter());
    let photos: Vec<DatasetPhoto> = all.filter(|photo| is_unchanged(photo)).cloned().collect();
    if photos.len() < listed {
        let missing = listed - photos.len();
        task.note(format!("{missing} of the run's {listed} photos are gone or changed").as_str());
    }
    Ok(photos)
}

/// Whether the file of a photo is still what it was when the data set was prepared.
pub(crate) fn is_unchanged(photo: &DatasetPhoto) -> bool {
    files::sha256_file(&photo.file).is_ok_and(|sum| sum == photo.sha256)
}

/// Returns the folder that training used, or the one that its photos were moved to.
fn folder_of_run(run: &RunDir, moved_to: Option<&Path>) -> Result<PathBuf> {
    let settings = run.read_record()?.settings;
    let folder = moved_to.map_or_else(|| PathBuf::from(&settings.data_dir), Path::to_path_buf);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(InferError::NoPhotoFolder { run: run.path().into(), folder }),
    }
}

/// Tells the task about unlisted files, rejected photos and the manifest's notes.
pub fn tell_notes(data: &Dataset, task: Task<'_>) {
    let manifest = data.manifest();
    // If the folder cannot be listed, reading its photos reports the error.
    if let [first, ..] = &data.unlisted().unwrap_or_default()[..] {
        let text = format!(
            "{} holds files that its manifest.json does not list, such as {first}: nobody looks at \
             them",
            data.root().display()
        );
        task.note(Note::hinted(text, Hint::PrepareAgain(Stale::Unlisted)));
    }
    // `kennel prepare` has already reported these.
    if !data.is_prepared() {
        for rejected in &manifest.rejected {
            let text = format!("left out: {}: {}", shown(&rejected.path), rejected.reason);
            task.note(text);
        }
        for note in &manifest.notes {
            task.note(note.as_str());
        }
    }
}

/// SHA-256 of the manifest's text: of the photos and their division.
pub fn manifest_digest(data: &Dataset) -> Result<String> {
    let text = serde_json::to_string(data.manifest()).map_err(|error| {
        kennel_core::CoreError::Malformed {
            path: PathBuf::from(kennel_core::Manifest::FILE_NAME),
            what: "manifest",
            reason: error.to_string(),
        }
    })?;
    Ok(files::sha256_bytes(text.as_bytes()))
}
