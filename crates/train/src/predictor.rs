//! Labels and probabilities for single photos.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{Preprocessing, RunDir, imagenet};
use kennel_data::{normalise, prepare_pixels, read_photo};
use kennel_metrics::{softmax, top_k};
use kennel_models::{
    LoadOptions, Network, RegularizationRates, architecture, load, locate_weights, read_checkpoint,
};
use serde::Serialize;

use crate::finish::load_trained;
use crate::predict::rows;
use crate::{Compute, Result};

/// A network with the names of its classes.
pub struct Predictor {
    network: Network,
    preprocessing: Preprocessing,
    class_names: Vec<String>,
    note: Option<String>,
    device: Device,
}

/// What a network says about a photo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotoPrediction {
    /// As it was asked for.
    pub path: String,
    /// The class with the highest probability.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// The best few, best first.
    pub top: Vec<RankedClass>,
    /// One per class, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logits: Option<Vec<f32>>,
}

/// A class and its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedClass {
    /// Its name.
    pub label: String,
    /// In [0, 1].
    pub probability: f64,
}

impl Predictor {
    /// The best epoch of a run.
    ///
    /// # Errors
    ///
    /// A run without a checkpoint, or one that is damaged.
    pub fn of_run(run: &RunDir, compute: &Compute) -> Result<Self> {
        let device = compute.device.clone();
        let (network, config) = load_trained(run, &device)?;
        let class_names = config.facts(&run.config())?.class_names.clone();
        let preprocessing = config.preprocessing;
        Ok(Self { network: network.valid(), preprocessing, class_names, note: None, device })
    }

    /// Pretrained weights with the head they came with: ImageNet's classes where it has 1000, else numbers.
    ///
    /// # Errors
    ///
    /// Weights that cannot be found or do not fit.
    pub fn of_weights(model: &str, weights: Option<&str>, compute: &Compute) -> Result<Self> {
        let device = compute.device.clone();
        let architecture = architecture(model)?;
        let source = locate_weights(architecture, weights)?;
        let checkpoint = read_checkpoint(&source.file)?;
        let bias = if architecture.is_resnet() { "fc.bias" } else { "classifier.bias" };
        let classes = checkpoint.tensors.get(bias).map_or(1000, |bias| bias.data.len());
        let network = Network::new(architecture, classes, RegularizationRates::default(), &device);
        let (network, _) = load(network, &checkpoint, LoadOptions::Exact, architecture.name, &source.file)?;
        let class_names = match classes {
            1000 => imagenet::classes().iter().map(|class| class.names[0].to_string()).collect(),
            n => (0..n).map(|index| index.to_string()).collect(),
        };
        Ok(Self { network, preprocessing: source.preprocessing, class_names, note: source.note, device })
    }

    /// What should be said about the weights, if anything.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Names in the order of the logits.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// How photos are prepared.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The network itself, in evaluation mode.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Predicts one photo.
    ///
    /// # Errors
    ///
    /// A file that cannot be read as a photo.
    pub fn predict(&self, path: &Path, top: usize, with_logits: bool) -> Result<PhotoPrediction> {
        let Preprocessing { side_px, mean, std, .. } = self.preprocessing;
        let side = side_px as usize;
        let mut planes = vec![0.0; 3 * side * side];
        normalise(&prepare_pixels(&read_photo(path)?, &self.preprocessing), mean, std, &mut planes);
        let pixels = Tensor::<4>::from_data(TensorData::new(planes, [1, 3, side, side]), &self.device);
        let logits = rows(self.network.infer(pixels)).remove(0);
        let probabilities = softmax(&logits);
        let top: Vec<RankedClass> = top_k(&logits, top.max(1))
            .into_iter()
            .map(|class| RankedClass {
                label: self.class_names[class].clone(),
                probability: probabilities[class],
            })
            .collect();
        Ok(PhotoPrediction {
            path: path.to_string_lossy().into_owned(),
            label: top[0].label.clone(),
            probability: top[0].probability,
            top,
            logits: with_logits.then_some(logits),
        })
    }
}
