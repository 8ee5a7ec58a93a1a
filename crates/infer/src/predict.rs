//! Computes a network's logits on photos.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{PredictionRecord, Preprocessing};
use kennel_data::{Batch, DatasetPhoto, Loader, LoaderOptions, Transform};
use kennel_models::{Network, rows};

use crate::{Control, Result};

/// Photos per forward pass.
pub const BATCH: usize = 32;

/// Predicts `photos` in their order. Returns None when the caller said stop.
///
/// `network` must be in evaluation mode and off the autodiff tape
/// ([`burn::module::Module::valid`]).
///
/// # Errors
///
/// A photo that cannot be read any more.
pub fn predict_photos(
    network: &Network,
    device: &Device,
    photos: &Arc<[DatasetPhoto]>,
    class_names: &[String],
    preprocessing: &Preprocessing,
    what: &str,
    control: &mut Control,
) -> Result<Option<Vec<PredictionRecord>>> {
    let order: Vec<usize> = (0..photos.len()).collect();
    let transform = Transform::Eval(preprocessing.clone());
    let logits = Loader::new(photos, order, transform, BATCH, &LoaderOptions::default())
        .map(|batch| Ok(network.infer(pixels(batch?, device))));
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
    logits: impl Iterator<Item = Result<Tensor<2>, E>>,
    what: &str,
    control: &mut Control,
) -> Result<Option<Vec<PredictionRecord>>, E> {
    let mut records = Vec::with_capacity(photos.len());
    for batch in logits {
        if control.is_stopped() {
            return Ok(None);
        }
        for logits in rows(batch?) {
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
