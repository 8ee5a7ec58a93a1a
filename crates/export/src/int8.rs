//! Quantises a run's network to 8-bit integers.

use std::path::Path;
use std::sync::Arc;

use kennel_core::{Preprocessing, Task};
use kennel_data::DatasetPhoto;
use kennel_models::{NetworkGraph, is_under};
use kennel_onnx::quantise::{
    Layer, Probe, Ranges, Sensitivity, calibrate, quantisable_layers, quantise, sensitivity,
    tensors_of,
};
use kennel_onnx::{ModelProto, write_model};

use crate::{ExportError, INPUT, OUTPUT, Result, photos};

/// Number of training photos used to find the ranges.
pub const CALIBRATION_PHOTOS: usize = 128;
/// Number of photos used to compare layers when the whole network loses too much.
const SENSITIVITY_PHOTOS: usize = 16;

/// A float network with what its quantisation needs.
pub struct Int8<'a> {
    float: &'a ModelProto,
    layers: Layers,
    ranges: Ranges,
    pixels: Vec<Vec<f32>>,
    side: usize,
    scratch: &'a Path,
    task: Task<'a>,
}

impl<'a> Int8<'a> {
    /// Finds the ranges of a float model's tensors on training photos. `scratch` is a folder for
    /// temporary files.
    ///
    /// # Errors
    ///
    /// Errors of photos or of a runtime; [`ExportError::Stopped`] once the task is stopped.
    pub fn calibrate(
        float: &'a ModelProto,
        layers: Layers,
        photos: &Arc<[DatasetPhoto]>,
        preprocessing: &Preprocessing,
        scratch: &'a Path,
        task: Task<'a>,
    ) -> Result<Self> {
        let side = preprocessing.side_px as usize;
        let mut pixels = Vec::with_capacity(photos.len());
        for batch in photos::batches(photos, preprocessing, task) {
            pixels.extend(batch?.pixels.chunks_exact(3 * side * side).map(<[f32]>::to_vec));
        }
        let path = scratch.join("float.onnx");
        write_model(&path, float)?;
        let tensors = tensors_of(&layers.quantised);
        let ranges = calibrate(&path, INPUT, side, &tensors, &pixels, task)?;
        Ok(Self { float, layers, ranges, pixels, side, scratch, task })
    }

    /// Returns the quantised model.
    ///
    /// # Errors
    ///
    /// Those of [`quantise`].
    pub fn model(&self) -> Result<ModelProto> {
        Ok(quantise(self.float, &self.layers.quantised, &self.ranges)?)
    }

    /// Returns the layers that hurt most when quantised alone, worst first.
    ///
    /// # Errors
    ///
    /// Those of [`sensitivity`].
    pub fn worst(&self) -> Result<Vec<Sensitivity>> {
        let photos = &self.pixels[..self.pixels.len().min(SENSITIVITY_PHOTOS)];
        let probe = Probe { input: INPUT, output: OUTPUT, side: self.side, photos };
        Ok(sensitivity(
            self.float,
            &self.layers.quantised,
            &self.ranges,
            probe,
            self.scratch,
            self.task,
        )?)
    }
}

/// The layers of a network that are quantised.
pub struct Layers {
    quantised: Vec<Layer>,
}

impl Layers {
    /// Selects all layers of `float`, which was written from `described`, except those that always
    /// stay in floats and those under `keep`. An entry of `keep` is a layer's name, or a prefix of
    /// several as in `--unfreeze`.
    ///
    /// # Errors
    ///
    /// [`ExportError::UnknownLayer`] when an entry of `keep` matches no layer.
    pub fn of(float: &ModelProto, described: &NetworkGraph, keep: &[String]) -> Result<Self> {
        let kept = described.kept_in_float();
        let all =
            float.graph.as_ref().map(|graph| quantisable_layers(graph, &kept)).unwrap_or_default();
        for name in keep {
            if !all.iter().any(|layer| is_under(&layer.name, name)) {
                return Err(unknown(name, &all));
            }
        }
        // A layer on tokens is a product and a sum, whose names begin with the layer's.
        let keep: Vec<&str> = kept.iter().copied().chain(keep.iter().map(String::as_str)).collect();
        let is_quantised = |layer: &Layer| {
            !layer.stays_float && !keep.iter().any(|name| is_under(&layer.name, name))
        };
        Ok(Layers { quantised: all.into_iter().filter(is_quantised).collect() })
    }
}

fn unknown(name: &str, layers: &[Layer]) -> ExportError {
    let names = || layers.iter().map(|layer| layer.name.as_str());
    let few: Vec<&str> = names().take(3).chain(names().next_back()).collect();
    ExportError::UnknownLayer {
        name: name.into(),
        nearest: kennel_core::did_you_mean(name, names()).map(String::from),
        examples: few.into_iter().map(String::from).collect(),
    }
}
