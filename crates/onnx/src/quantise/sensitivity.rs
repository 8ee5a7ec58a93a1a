//! Measures which layers lose most when they are quantised.

use std::path::Path;

use kennel_core::Task;
use serde::Serialize;

use super::{Layer, Ranges, quantise};
use crate::{Input, ModelProto, Result, RuntimeKind, Session, Values, write_model};

/// Effect of quantising one layer on the logits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Name of the layer.
    pub layer: String,
    /// rms(logits with this layer alone in 8 bits - float logits) / rms(float logits).
    pub error: f64,
}

/// Photos to compare logits on, and how a model takes them.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Name of the model's input.
    pub input: &'a str,
    /// Name of the model's output, the logits.
    pub output: &'a str,
    /// Side of the photos, in pixels.
    pub side: usize,
    /// Prepared pixels of each photo, `[1, 3, side, side]`.
    pub photos: &'a [Vec<f32>],
}

/// Quantises each of `layers` alone and compares the logits of the probe's photos with those of the
/// float model. Returns the layers with the largest error first. `scratch` is a folder for
/// temporary files.
///
/// # Errors
///
/// Those of [`quantise`] and of [`Session`]; [`OnnxError::Stopped`](crate::OnnxError::Stopped) once
/// the task is stopped.
pub fn sensitivity(
    model: &ModelProto,
    layers: &[Layer],
    ranges: &Ranges,
    probe: Probe,
    scratch: &Path,
    task: Task<'_>,
) -> Result<Vec<Sensitivity>> {
    let Probe { input, output, side, photos } = probe;
    let path = scratch.join("one_layer.onnx");
    let logits = |model: &ModelProto| -> Result<Vec<f32>> {
        task.check()?;
        write_model(&path, model)?;
        let mut session = Session::open(&path, RuntimeKind::Rten)?;
        let mut all = Vec::new();
        for pixels in photos {
            let input =
                Input { name: input, shape: &[1, 3, side, side], values: Values::Floats(pixels) };
            all.extend(session.run(input, &[output])?.remove(0).values);
        }
        Ok(all)
    };
    let squares =
        |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let float = logits(model)?;
    let size = squares(&mut float.iter().copied()).sqrt();
    let mut found = layers
        .iter()
        .map(|layer| {
            let rounded = logits(&quantise(model, std::slice::from_ref(layer), ranges)?)?;
            let apart = squares(&mut rounded.iter().zip(&float).map(|(a, b)| a - b)).sqrt();
            Ok(Sensitivity { layer: layer.name.clone(), error: apart / size })
        })
        .collect::<Result<Vec<_>>>()?;
    found.sort_by(|a, b| b.error.total_cmp(&a.error));
    Ok(found)
}
