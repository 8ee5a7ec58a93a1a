//! The photos of a run's data set, to find those that are like another.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use kennel_atlas::{Features, UnitRows, nearest};
use kennel_core::{PhotoRecord, RunDir, Split, Task, files};
use kennel_models::{StateDict, TensorValue, read_checkpoint, write_checkpoint};

use crate::features::features_of;
use crate::open_data::unchanged_photos_of_run;
use crate::photo_map::{places, thinned};
use crate::{Predictor, Result};

/// The tensor of the file: features `[photos of the manifest, width]`.
const TENSOR: &str = "features";
/// Key of the digest of the checkpoint that the features come from.
const CHECKPOINT: &str = "checkpoint_sha256";

/// The photos of a run's data set, by what its network sees in them.
#[derive(Debug)]
pub struct PhotoIndex {
    /// In the order of the rows.
    photos: Vec<PhotoRecord>,
    rows: UnitRows,
}

/// A photo of the data set that is like another photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarPhoto<'a> {
    /// The photo.
    pub photo: &'a PhotoRecord,
    /// How much alike they are: cosine of the angle between their features, 1 at most.
    pub similarity: f64,
}

/// A photo of the data set on a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedPhoto<'a> {
    /// The photo.
    pub photo: &'a PhotoRecord,
    /// From left to right, and from top to bottom, in [0, 1].
    pub place: [f32; 2],
}

impl PhotoIndex {
    /// Reads the features that the run keeps, or computes those of all photos of its data set and
    /// keeps them, as [`RunDir::photo_features`]. Photos that are gone or changed are left out; a
    /// note says how many. `predictor` is the run's ([`Predictor::of_run`]); `moved_to` is where
    /// the photos lie if they have moved.
    ///
    /// # Errors
    ///
    /// - Photos of which none is left.
    /// - A run without checkpoint.
    /// - [`InferError::Stopped`](crate::InferError::Stopped).
    pub fn of_run(
        run: &RunDir,
        predictor: &mut Predictor,
        moved_to: Option<&Path>,
        task: Task<'_>,
    ) -> Result<Self> {
        let listed = run.read_manifest()?.photos;
        let checkpoint = files::sha256_file(&run.best_weights())?;
        let kept = match run.photo_features().is_file() {
            true => kept(&run.photo_features(), &checkpoint, listed.len()),
            false => None,
        };
        let tensor = match kept {
            Some(tensor) => tensor,
            None => {
                let tensor = computed(run, predictor, moved_to, &listed, task)?;
                let tensors = StateDict::from([(TENSOR.into(), tensor.clone())]);
                let note = Some((CHECKPOINT, checkpoint));
                // It is of use without being kept, as in a run on a disk that cannot be written.
                let path = run.photo_features();
                if let Err(error) = write_checkpoint(&path, &tensors, &BTreeMap::new(), note) {
                    task.note(format!("the features are not kept: {error}").as_str());
                }
                tensor
            }
        };
        let width = tensor.shape[1];
        let (mut photos, mut values) = (Vec::new(), Vec::new());
        for (photo, row) in listed.into_iter().zip(tensor.data.chunks_exact(width)) {
            // A photo that was not there has zeros.
            if row.iter().any(|value| *value != 0.0) {
                photos.push(photo);
                values.extend_from_slice(row);
            }
        }
        Ok(Self { photos, rows: UnitRows::of(Features { values: &values, width }) })
    }

    /// Returns the photos, in the order of the run's manifest.
    pub fn photos(&self) -> &[PhotoRecord] {
        &self.photos
    }

    /// Places the photos on a map, as [`draw_photo_map`](crate::draw_photo_map) does: of more than
    /// 1,000 photos every second, third and so on, and none of too few. Seconds for 1,000 photos.
    pub fn map(&self) -> Vec<PlacedPhoto<'_>> {
        let rows: Vec<&[f32]> = self.rows.iter().collect();
        let rows: Vec<&[f32]> = thinned(&rows).copied().collect();
        let places = places(&rows).unwrap_or_default();
        thinned(&self.photos)
            .zip(places)
            .map(|(photo, place)| PlacedPhoto { photo, place })
            .collect()
    }

    /// Returns the `count` photos most like one with these features, the most alike first. With
    /// `split`, only photos of it.
    ///
    /// # Panics
    ///
    /// When there is another number of features.
    pub fn similar(
        &self,
        features: &[f32],
        split: Option<Split>,
        count: usize,
    ) -> Vec<SimilarPhoto<'_>> {
        let unit = UnitRows::of(Features { values: features, width: features.len() });
        let photo = unit.iter().next().expect("features");
        nearest(&self.rows, photo, self.photos.len())
            .into_iter()
            .map(|found| SimilarPhoto {
                photo: &self.photos[found.index],
                similarity: found.similarity,
            })
            .filter(|found| split.is_none_or(|split| found.photo.split == split))
            .take(count)
            .collect()
    }
}

/// Reads features that come from this checkpoint. `None` if they do not, or the file is damaged: it
/// is then written anew.
fn kept(path: &Path, checkpoint: &str, photos: usize) -> Option<TensorValue> {
    let mut read = read_checkpoint(path).ok()?;
    let tensor = read.tensors.remove(TENSOR)?;
    let is_of_run = read.metadata.get(CHECKPOINT).is_some_and(|of| of == checkpoint)
        && matches!(tensor.shape[..], [rows, width] if rows == photos && width > 0);
    is_of_run.then_some(tensor)
}

/// Computes the features of all photos that are there and unchanged, each at its place in the
/// manifest.
fn computed(
    run: &RunDir,
    predictor: &mut Predictor,
    moved_to: Option<&Path>,
    listed: &[PhotoRecord],
    task: Task<'_>,
) -> Result<TensorValue> {
    let photos = unchanged_photos_of_run(run, moved_to, task)?;
    let rows = features_of(predictor, photos.clone().into(), task)?;
    let width = rows.first().map_or(0, Vec::len);
    let by_path: HashMap<&str, Vec<f32>> =
        photos.iter().map(|photo| photo.path.as_str()).zip(rows).collect();
    let none = vec![0.0; width];
    let row = |photo: &PhotoRecord| by_path.get(photo.path.as_str()).unwrap_or(&none).clone();
    Ok(TensorValue {
        shape: vec![listed.len(), width],
        data: listed.iter().flat_map(row).collect(),
    })
}
