//! The loop from photos to features: the input of a network's classifier.

use std::sync::Arc;

use kennel_core::Task;
use kennel_core::task::Event;
use kennel_data::{DatasetPhoto, Note};

use crate::photos::{Batch, Input, Photo};
use crate::{InferError, Model, Photos, Result};

/// A photo with its features.
#[derive(Debug)]
pub struct FeatureRow {
    /// Its name: as the user gave it, or its path in the data set.
    pub photo: String,
    /// What was noted when it was decoded.
    pub notes: Vec<Note>,
    /// Its features, or why it has none.
    pub features: Result<Vec<f32>>,
}

/// Computes the features of photos in their order ([`Model::features`]). Yields the photos of a
/// batch as soon as they are computed. A photo that cannot be read alone has its reason in its
/// place ([`Photos::Named`]).
///
/// # Errors
///
/// [`InferError::NoFeatures`] for an ONNX file. An item is an error when a photo of a data set
/// cannot be read, or the task is stopped. The caller then takes no further item.
pub fn features<'a>(
    model: &'a mut dyn Model,
    photos: Photos,
    task: Task<'a>,
) -> Result<impl Iterator<Item = Result<Vec<FeatureRow>>> + 'a> {
    if model.preprocessing().is_none() {
        return Err(InferError::NoFeatures);
    }
    let batches = photos.batches(model.preprocessing().cloned());
    Ok(batches.map(move |batch| {
        task.check()?;
        feature_batch(model, batch?)
    }))
}

/// Computes the features of the photos of a batch, in their order.
///
/// # Errors
///
/// [`InferError::NoFeatures`] for an ONNX file.
pub fn feature_batch(
    model: &mut dyn Model,
    Batch { photos, pixels }: Batch,
) -> Result<Vec<FeatureRow>> {
    let count = photos.iter().filter(|photo| matches!(photo.input, Ok(Input::Pixels))).count();
    let rows = match count {
        0 => Vec::new(),
        _ => model.features(pixels, count)?,
    };
    let mut rows = rows.into_iter();
    let row = |Photo { name, notes, input }| {
        let features = match input {
            Err(error) => Err(error),
            Ok(Input::Pixels) => Ok(rows.next().expect("one for every photo")),
            Ok(Input::Decoded(_)) => Err(InferError::NoFeatures),
        };
        FeatureRow { photo: name, notes, features }
    };
    Ok(photos.into_iter().map(row).collect())
}

/// Computes the features of photos of a data set, in their order.
///
/// # Errors
///
/// As [`features`].
pub(crate) fn features_of(
    model: &mut dyn Model,
    photos: Arc<[DatasetPhoto]>,
    task: Task<'_>,
) -> Result<Vec<Vec<f32>>> {
    let of = photos.len();
    let mut rows = Vec::with_capacity(of);
    for batch in features(model, Photos::Listed(photos), task)? {
        for row in batch? {
            rows.push(row.features?);
        }
        task.tell(Event::Pass { what: "features", done: rows.len(), of });
    }
    Ok(rows)
}
