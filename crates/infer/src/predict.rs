//! Predicts photos of a data set.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::task::Event;
use kennel_core::{PredictionRecord, Stopped, Task};
use kennel_data::{Batch, DatasetPhoto};

use crate::{Photos, Predictor, Result, Scores, label};

/// Predicts `photos` in their order.
///
/// # Errors
///
/// A photo that cannot be read any more; [`Stopped`] once the task is stopped.
pub fn predict_photos(
    predictor: &mut Predictor,
    photos: &Arc<[DatasetPhoto]>,
    class_names: &[String],
    what: &str,
    task: Task<'_>,
) -> Result<Vec<PredictionRecord>> {
    let logits = label(predictor, Photos::Listed(Arc::clone(photos)), task)
        .map(|rows| rows?.into_iter().map(|row| row.scores.map(Scores::into_values)).collect());
    collect(photos, class_names, logits, what, task)
}

/// Turns the logits of `photos`, one batch at a time in their order, into predictions.
///
/// # Errors
///
/// The first error that `logits` yields; [`Stopped`] once the task is stopped.
pub fn collect<E: From<Stopped>>(
    photos: &[DatasetPhoto],
    class_names: &[String],
    logits: impl Iterator<Item = Result<Vec<Vec<f32>>, E>>,
    what: &str,
    task: Task<'_>,
) -> Result<Vec<PredictionRecord>, E> {
    let mut records = Vec::with_capacity(photos.len());
    for batch in logits {
        task.check()?;
        for logits in batch? {
            let photo = &photos[records.len()];
            let label = class_names[photo.class_index].clone();
            records.push(PredictionRecord { path: photo.path.clone(), label, logits });
        }
        task.tell(Event::Pass { what, done: records.len(), of: photos.len() });
    }
    Ok(records)
}

/// Turns a batch into a tensor, `[batch, 3, side, side]`, off the autodiff tape.
pub fn pixels(batch: Batch, device: &Device) -> Tensor<4> {
    let side = batch.side_px as usize;
    let shape = [batch.len(), 3, side, side];
    let data = TensorData::new(batch.pixels, shape);
    Tensor::from_data(data, device)
}
