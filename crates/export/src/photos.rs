//! The run's own photos, for calibration and proof.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kennel_core::{Manifest, PhotoRecord, Preprocessing, RunDir, Settings, Split, Task, files};
use kennel_data::{Batch, Dataset, DatasetPhoto, Loader, LoaderOptions, Transform};

use crate::{ExportError, Result};

/// Photos per batch.
const BATCH: usize = 32;

/// Opens the photos of some splits, as the run's own manifest lists them, in `moved_to` or in the
/// folder that training used. Returns them with the number of photos that are gone.
///
/// # Errors
///
/// [`ExportError::NoPhotoFolder`] when the folder is gone, [`ExportError::Photos`] when all photos
/// are.
pub fn open(
    run: &RunDir,
    settings: &Settings,
    parts: &[Split],
    moved_to: Option<&Path>,
) -> Result<(Dataset, usize)> {
    let folder = moved_to.map_or_else(|| PathBuf::from(&settings.data_dir), Path::to_path_buf);
    if !folder.is_dir() {
        return Err(ExportError::NoPhotoFolder { folder });
    }
    let manifest = run.read_manifest()?;
    let seed = seed_of_split(&manifest);
    Dataset::of_run(&folder, manifest, &run.manifest(), parts)
        .map_err(|source| ExportError::Photos { source: Box::new(source), seed })
}

/// Returns the seed with which Kennel divided the photos into a folder, if it did. With another
/// seed, the same photos lie in other places.
fn seed_of_split(manifest: &Manifest) -> Option<u64> {
    let in_tree = |photo: &PhotoRecord| photo.path.starts_with(&format!("{}/", photo.split));
    (manifest.division == "stratified" && manifest.photos.iter().all(in_tree))
        .then_some(manifest.seed)
}

/// Returns at most `count` photos of a split, evenly spaced in its order, and checks each against
/// its digest.
///
/// # Errors
///
/// [`ExportError::OtherPhoto`] when a digest differs; a file that cannot be read.
pub fn some_of(data: &Dataset, split: Split, count: usize) -> Result<Arc<[DatasetPhoto]>> {
    let all = data.photos(split);
    let taken = count.min(all.len());
    let chosen: Vec<_> = (0..taken).map(|i| all[i * all.len() / taken].clone()).collect();
    for photo in &chosen {
        if files::sha256_file(&photo.file)? != photo.sha256 {
            return Err(ExportError::OtherPhoto { path: photo.file.clone() });
        }
    }
    Ok(chosen.into())
}

/// Yields the pixels of photos for calibration, in their order and a batch at a time, preprocessed
/// as in evaluation. Yields an error for a photo that cannot be read, and once the task is stopped.
pub fn batches(
    of: &Arc<[DatasetPhoto]>,
    preprocessing: &Preprocessing,
    task: Task<'_>,
) -> impl Iterator<Item = Result<Batch>> {
    let order = (0..of.len()).collect();
    let transform = Transform::Eval(preprocessing.clone());
    Loader::new(of, order, transform, BATCH, &LoaderOptions::default()).map(move |batch| {
        task.check()?;
        batch.map_err(ExportError::unreadable)
    })
}
