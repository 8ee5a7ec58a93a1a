//! A run's network in 8-bit integers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::Preprocessing;
use kennel_data::DatasetPhoto;
use kennel_onnx::quantise::{
    Layer, Ranges, Sensitivity, calibrate, quantisable_layers, quantise, sensitivity, tensors_of,
};
use kennel_onnx::{ModelProto, write_model};

use crate::{ExportError, INPUT, OUTPUT, Result, photos};

/// Training photos on which ranges are found.
pub const CALIBRATION_PHOTOS: usize = 128;
/// Photos on which layers are compared when the whole lost too much.
const SENSITIVITY_PHOTOS: usize = 16;

/// What is known of a network on the way to integers.
pub struct Int8<'a> {
    float: &'a ModelProto,
    layers: Vec<Layer>,
    keep: &'a [String],
    ranges: Ranges,
    pixels: Vec<Vec<f32>>,
    side: usize,
    scratch: &'a Path,
}

impl<'a> Int8<'a> {
    /// Finds the ranges of a float model's tensors on training photos. `keep` names layers that stay in floats besides those
    /// that always do; `scratch` is a folder for files that are in the way afterwards.
    ///
    /// # Errors
    ///
    /// [`ExportError::UnknownLayer`]; photos or a runtime that fail.
    pub fn calibrate(
        float: &'a ModelProto,
        keep: &'a [String],
        photos: &Arc<[DatasetPhoto]>,
        preprocessing: &Preprocessing,
        scratch: &'a Path,
        stop: &AtomicBool,
    ) -> Result<Self> {
        let layers = float.graph.as_ref().map(quantisable_layers).unwrap_or_default();
        for name in keep {
            check_layer(name, &layers)?;
        }
        let side = preprocessing.side_px as usize;
        let mut pixels = Vec::with_capacity(photos.len());
        for batch in photos::batches(photos, preprocessing, stop) {
            pixels.extend(batch?.pixels.chunks_exact(3 * side * side).map(<[f32]>::to_vec));
        }
        let path = scratch.join("float.onnx");
        write_model(&path, float)?;
        let mut tensors = tensors_of(&layers);
        // What goes in is a tensor like others, but rten does not hand inputs back; the first layer stays in floats.
        tensors.remove(INPUT);
        let ranges = calibrate(&path, INPUT, side, &tensors, &pixels, &|| stop.load(Ordering::Relaxed))?;
        Ok(Self { float, layers, keep, ranges, pixels, side, scratch })
    }

    fn quantised_layers(&self) -> Vec<&Layer> {
        let is_kept = |layer: &&Layer| {
            layer.stays_float.is_none()
                && !self.keep.iter().any(|name| kennel_models::is_under(&layer.name, name))
        };
        self.layers.iter().filter(is_kept).collect()
    }

    /// The model in integers.
    ///
    /// # Errors
    ///
    /// Those of [`quantise`].
    pub fn model(&self) -> Result<ModelProto> {
        Ok(quantise(self.float, &self.quantised_layers(), &self.ranges)?)
    }

    /// The layers that hurt most by themselves, the worst first.
    ///
    /// # Errors
    ///
    /// Those of [`sensitivity`].
    pub fn worst(&self) -> Result<Vec<Sensitivity>> {
        let photos = &self.pixels[..self.pixels.len().min(SENSITIVITY_PHOTOS)];
        let layers = self.quantised_layers();
        let ends = (INPUT, OUTPUT);
        Ok(sensitivity(self.float, &layers, &self.ranges, ends, self.side, photos, self.scratch)?)
    }
}

/// A layer's own name, or a prefix of several as in `--unfreeze`.
fn check_layer(name: &str, layers: &[Layer]) -> Result<()> {
    if layers.iter().any(|layer| kennel_models::is_under(&layer.name, name)) {
        return Ok(());
    }
    let names = || layers.iter().map(|layer| layer.name.as_str());
    let few: Vec<&str> = names().take(3).chain(names().next_back()).collect();
    Err(ExportError::UnknownLayer {
        name: name.into(),
        hint: kennel_core::hint_did_you_mean(name, names()),
        examples: few.join(", "),
    })
}
