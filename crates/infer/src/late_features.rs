//! The features that tell unknown photos, of the photos of a data set.

use std::sync::Arc;

use burn::tensor::Device;
use kennel_core::task::Event;
use kennel_core::{Preprocessing, Task};
use kennel_data::{DatasetPhoto, Loader, LoaderOptions, Transform};
use kennel_models::Network;

use crate::Result;
use crate::photos::BATCH;
use crate::predict::pixels;

/// Computes the late features of photos, as [`Network::infer_with_late_features`] does, and passes
/// each batch of rows to `take`.
///
/// # Shapes
///
/// `take`: rows of `[batch, width]`, and the width.
///
/// # Errors
///
/// A photo that cannot be read; [`kennel_core::Stopped`] once the task is stopped.
pub fn late_features(
    network: &Network,
    photos: &Arc<[DatasetPhoto]>,
    preprocessing: &Preprocessing,
    device: &Device,
    what: &str,
    task: Task<'_>,
    mut take: impl FnMut(&[f32], usize),
) -> Result<()> {
    let transform = Transform::Eval(preprocessing.clone());
    let order = (0..photos.len()).collect();
    let mut done = 0;
    for batch in Loader::new(photos, order, transform, BATCH, &LoaderOptions::default()) {
        task.check()?;
        let batch = batch?;
        done += batch.len();
        let (_, features) = network.infer_with_late_features(pixels(batch, device));
        let width = features.dims()[1];
        let rows = features.into_data().try_into_vec::<f32>().expect("features are f32");
        take(&rows, width);
        task.tell(Event::Pass { what, done, of: photos.len() });
    }
    Ok(())
}
