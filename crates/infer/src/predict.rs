//! Predicts photos of a data set.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{PredictionRecord, Task};
use kennel_data::{Batch, DatasetPhoto};

use crate::{Control, Photos, Predictor, Result, Scores, label};

/// Predicts `photos` in their order. Returns None when the caller said stop.
///
/// # Errors
///
/// A photo that cannot be read any more.
pub fn predict_photos(
    predictor: &mut Predictor,
    photos: &Arc<[DatasetPhoto]>,
    class_names: &[String],
    what: &str,
    control: &mut Control,
) -> Result<Option<Vec<PredictionRecord>>> {
    let logits = label(predictor, Photos::Listed(Arc::clone(photos)), Task::unwatched())
        .map(|rows| rows?.into_iter().map(|row| row.scores.map(Scores::into_values)).collect());
    collect(photos, class_names, logits, what, control)
}

/// Turns the logits of `photos`, one batch at a time in their order, into predictions. Returns None
/// when the caller said stop.
///
/// # Errors
///
/// The first error that `logits` yields.
pub fn collect<E>(
    photos: &[DatasetPhoto],
    class_names: &[String],
    logits: impl Iterator<Item = Result<Vec<Vec<f32>>, E>>,
    what: &str,
    control: &mut Control,
) -> Result<Option<Vec<PredictionRecord>>, E> {
    let mut records = Vec::with_capacity(photos.len());
    for batch in logits {
        if control.is_stopped() {
            return Ok(None);
        }
        for logits in batch? {
            let photo = &photos[records.len()];
            let label = class_names[photo.class_index].clone();
            records.push(PredictionRecord { path: photo.path.clone(), label, logits });
        }
        control.observer.predicting(what, records.len(), photos.len());
    }
    Ok(Some(records))
}

/// Turns a batch into a tensor, `[batch, 3, side, side]`, off the autodiff tape.
pub fn pixels(batch: Batch, device: &Device) -> Tensor<4> {
    let side = batch.side_px as usize;
    let shape = [batch.len(), 3, side, side];
    let data = TensorData::new(batch.pixels, shape);
    Tensor::from_data(data, device)
}
