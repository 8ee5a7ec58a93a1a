//! The run's own photos, for calibration and proof.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::{Manifest, PhotoRecord, Preprocessing, RunConfig, RunDir, Split, files};
use kennel_data::{Batch, DataError, Dataset, DatasetPhoto, Loader, LoaderOptions, Transform};

use kennel_onnx::OnnxError;

use crate::{ExportError, Result};

/// Photos that pass through together.
const BATCH: usize = 32;

/// The photos of some of the run's parts by its own manifest, where they lie, in `moved_to` or where they lay in training, and how many are
/// gone.
///
/// # Errors
///
/// [`ExportError::Photos`] when all are gone.
pub fn open(
    run: &RunDir,
    config: &RunConfig,
    parts: &[Split],
    moved_to: Option<&Path>,
) -> Result<(Dataset, usize)> {
    let folder = moved_to.map_or_else(|| PathBuf::from(&config.data_dir), Path::to_path_buf);
    if !folder.is_dir() {
        return Err(ExportError::NoPhotoFolder { folder });
    }
    let manifest = run.read_manifest()?;
    let prepared = how_prepared(&manifest);
    Dataset::of_run(&folder, manifest, &run.manifest(), parts)
        .map_err(|source| ExportError::Photos { source: Box::new(source), prepared })
}

/// How photos were divided that Kennel had divided into a folder: with another seed it has the same photos in other places.
fn how_prepared(manifest: &Manifest) -> String {
    let in_tree = |photo: &PhotoRecord| photo.path.starts_with(&format!("{}/", photo.split));
    match manifest.division == "stratified" && manifest.photos.iter().all(in_tree) {
        true => format!(", as `kennel prepare --seed {}` divided them", manifest.seed),
        false => String::new(),
    }
}

/// Photos of a proof that cannot be read.
pub fn unreadable(source: DataError) -> ExportError {
    ExportError::Photos { source: Box::new(source), prepared: String::new() }
}

/// At most `count` photos of a split, evenly over its order, each held to its digest.
///
/// # Errors
///
/// [`ExportError::OtherPhoto`]; a file that cannot be read.
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

/// Photos as the network sees them in evaluation, a batch at a time, in their order; an error for one that cannot be read, and when
/// `stop` says so.
pub fn batches(
    of: &Arc<[DatasetPhoto]>,
    preprocessing: &Preprocessing,
    stop: &AtomicBool,
) -> impl Iterator<Item = Result<Batch>> {
    let order = (0..of.len()).collect();
    let transform = Transform::Eval(preprocessing.clone());
    Loader::new(of, order, transform, BATCH, &LoaderOptions::default()).map(|batch| {
        match stop.load(Ordering::Relaxed) {
            true => Err(OnnxError::Stopped.into()),
            false => batch.map_err(unreadable),
        }
    })
}
