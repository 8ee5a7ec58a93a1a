//! The loop from photos to heat maps.

use kennel_core::{Preprocessing, Task};
use kennel_data::{Note, RgbImage, denormalise};

use crate::photos::{Batch, Input, Photo};
use crate::{Explained, InferError, Model, Photos, Result};

/// A photo with its heat map.
#[derive(Debug)]
pub struct ExplainedPhoto {
    /// Its name: as the user gave it, or its path in the data set.
    pub photo: String,
    /// What was noted when it was decoded.
    pub notes: Vec<Note>,
    /// Its square that the network saw, and the explanation, or why there is none.
    pub explained: Result<(RgbImage, Explained)>,
}

/// Explains photos in their order: how much each place speaks for the class `class_index`, or for
/// the class that the model gives the photo. Yields the photos of a batch as soon as they are
/// computed.
///
/// A photo that cannot be read alone has its reason in its place ([`Photos::Named`]), as has one
/// with a logit that is not finite.
///
/// # Errors
///
/// [`InferError::NoGradients`] for an ONNX file. An item is an error when a photo of a data set
/// cannot be read, or the task is stopped. The caller then takes no further item.
///
/// # Panics
///
/// When the model has no class `class_index`.
pub fn explain<'a>(
    model: &'a mut dyn Model,
    photos: Photos,
    class_index: Option<usize>,
    task: Task<'a>,
) -> Result<impl Iterator<Item = Result<Vec<ExplainedPhoto>>> + 'a> {
    if model.preprocessing().is_none() {
        return Err(InferError::NoGradients);
    }
    let batches = photos.batches(model.preprocessing().cloned());
    Ok(batches.map(move |batch| {
        task.check()?;
        explain_batch(model, batch?, class_index)
    }))
}

/// Explains the photos of a batch, in their order, as [`explain`] does.
///
/// # Errors
///
/// [`InferError::NoGradients`] for an ONNX file.
///
/// # Panics
///
/// When the model has no class `class_index`.
pub fn explain_batch(
    model: &mut dyn Model,
    Batch { photos, pixels }: Batch,
    class_index: Option<usize>,
) -> Result<Vec<ExplainedPhoto>> {
    let Preprocessing { side_px, mean, std, .. } =
        *model.preprocessing().ok_or(InferError::NoGradients)?;
    let seen = |planes: &[f32]| denormalise(planes, side_px, mean, std);
    let count = photos.iter().filter(|photo| matches!(photo.input, Ok(Input::Pixels))).count();
    let squares: Vec<RgbImage> = match count {
        0 => Vec::new(),
        _ => pixels.chunks_exact(pixels.len() / count).map(seen).collect(),
    };
    let explained = match count {
        0 => Vec::new(),
        _ => model.explain(pixels, count, class_index)?,
    };
    let mut explained = squares.into_iter().zip(explained);
    let row = |Photo { name, notes, input }| {
        let explained = match input {
            Err(error) => Err(error),
            Ok(Input::Pixels) => {
                let (square, explained) = explained.next().expect("one for every photo");
                finite(explained, model.class_names()).map(|explained| (square, explained))
            }
            Ok(Input::Decoded(_)) => Err(InferError::NoGradients),
        };
        ExplainedPhoto { photo: name, notes, explained }
    };
    Ok(photos.into_iter().map(row).collect())
}

/// Returns an explanation whose logits give an order.
fn finite(explained: Explained, class_names: &[String]) -> Result<Explained> {
    match explained.logits.iter().position(|logit| !logit.is_finite()) {
        None => Ok(explained),
        Some(class) => Err(InferError::NotFinite {
            class: class_names[class].clone(),
            logit: explained.logits[class],
        }),
    }
}
