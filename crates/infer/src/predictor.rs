//! A network that labels photos.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{Preprocessing, RunDir, imagenet};
use kennel_explain::HeatMap;
use kennel_metrics::{argmax, temperature_of};
use kennel_models::{
    LoadOptions, Network, RegularizationRates, Watched, architecture, load, load_trained,
    locate_weights, rows,
};
use kennel_unknown::Unknown;

use crate::unknown::read_unknown;
use crate::{Compute, Explained, Model, Result};

/// Tells unknown photos by late features.
pub struct UnknownTeller {
    /// What decides.
    pub unknown: Unknown,
    /// The network that computes the features, if that is not the one that labels.
    pub trunk: Option<Network>,
}

impl UnknownTeller {
    /// Loads what a run has learnt, if it has.
    ///
    /// # Errors
    ///
    /// A run that is damaged.
    pub fn of_run(run: &RunDir, device: &Device) -> Result<Option<Self>> {
        let Some(learnt) = read_unknown(run)? else { return Ok(None) };
        Ok(Some(Self { trunk: learnt.trunk(run, device)?, unknown: learnt.unknown }))
    }
}

/// A network with the names of its classes.
pub struct Predictor {
    network: Network,
    preprocessing: Preprocessing,
    class_names: Vec<String>,
    temperature: f64,
    note: Option<String>,
    device: Device,
    unknown: Option<UnknownTeller>,
}

impl Predictor {
    /// Takes a network in evaluation mode and off the autodiff tape.
    pub fn new(
        network: Network,
        preprocessing: Preprocessing,
        class_names: Vec<String>,
        temperature: f64,
        compute: &Compute,
    ) -> Self {
        let device = compute.device().clone();
        Self { network, preprocessing, class_names, temperature, note: None, device, unknown: None }
    }

    /// Loads the best epoch of a run.
    ///
    /// # Errors
    ///
    /// A run that has no checkpoint or is damaged.
    pub fn of_run(run: &RunDir, compute: &Compute) -> Result<Self> {
        let (network, record) = load_trained(run, compute.device())?;
        let class_names = record.facts.class_names;
        // A run that is not finished may not have predicted them yet.
        let held_out = match run.is_finished() {
            true => run.read_calibration(&class_names, &run.read_manifest()?)?,
            false => None,
        };
        let temperature = temperature_of(held_out.as_deref().unwrap_or_default(), &class_names)?;
        let preprocessing = record.settings.preprocessing;
        let note = (!run.is_finished()).then(|| {
            format!("{} is not finished: its best epoch so far answers", run.path().display())
        });
        let unknown = UnknownTeller::of_run(run, compute.device())?;
        Ok(Self {
            note,
            unknown,
            ..Self::new(network.valid(), preprocessing, class_names, temperature, compute)
        })
    }

    /// Loads pretrained weights with their own head. Class names are those stored with the weights,
    /// else ImageNet's for 1000 classes, else numbers. A run's `best.safetensors` loads as that
    /// run.
    ///
    /// # Errors
    ///
    /// Weights that cannot be found, or do not fit the model.
    pub fn of_weights(model: &str, weights: Option<&str>, compute: &Compute) -> Result<Self> {
        let architecture = architecture(model)?;
        let source = locate_weights(architecture, weights)?;
        if source.fine_tuned_in.is_some()
            && let Some((run, file)) = RunDir::of_checkpoint(&source.file)
            && file == run.best_weights()
        {
            return Self::of_run(&run, compute);
        }
        let checkpoint = source.read()?;
        let bias = checkpoint.tensors.get(&format!("{}.bias", architecture.head));
        let classes = bias.map_or(1000, |bias| bias.data.len());
        let network =
            Network::new(architecture, classes, RegularizationRates::default(), compute.device());
        let (network, _) =
            load(network, &checkpoint, LoadOptions::Exact, architecture.name, &source.file)?;
        let class_names = match (source.class_names.filter(|names| names.len() == classes), classes)
        {
            (Some(names), _) => names,
            (None, 1000) => {
                imagenet::classes().iter().map(|class| class.names[0].to_string()).collect()
            }
            (None, n) => (0..n).map(|index| index.to_string()).collect(),
        };
        let notes: Vec<String> = source.note.into_iter().chain(checkpoint.note()).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        let preprocessing = source.preprocessing;
        let temperature = source.temperature.unwrap_or(1.0);
        Ok(Self { note, ..Self::new(network, preprocessing, class_names, temperature, compute) })
    }

    /// A note for the user about the weights or the run, if any.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Tells unknown photos by `unknown`, if there is any.
    pub fn with_unknown(self, unknown: Option<UnknownTeller>) -> Self {
        Self { unknown, ..self }
    }

    /// The preprocessing of photos.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }
}

impl Model for Predictor {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn preprocessing(&self) -> Option<&Preprocessing> {
        Some(&self.preprocessing)
    }

    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
        let side = self.preprocessing.side_px as usize;
        Ok(self.network.infer_rows(pixels, count, side, &self.device))
    }

    fn explain(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
        class_index: Option<usize>,
    ) -> Result<Vec<Explained>> {
        let side = self.preprocessing.side_px as usize;
        let choose = |logits: &[f32]| class_index.unwrap_or_else(|| argmax(logits));
        let watched = self.network.watch_rows(pixels, count, side, &self.device, choose);
        let explained = |Watched { logits, class_index, side, values, gradients }| Explained {
            logits,
            class_index,
            heat: HeatMap::grad_cam(side, &values, &gradients),
        };
        Ok(watched.into_iter().map(explained).collect())
    }

    fn unknown_threshold(&self) -> Option<f64> {
        self.unknown.as_ref().map(|teller| teller.unknown.threshold)
    }

    fn logits_and_unknown(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
    ) -> Result<(Vec<Vec<f32>>, Vec<f64>)> {
        let Some(UnknownTeller { unknown, trunk }) = &self.unknown else {
            return Ok((self.logits(pixels, count)?, Vec::new()));
        };
        let side = self.preprocessing.side_px as usize;
        let data = TensorData::new(pixels, [count, 3, side, side]);
        let pixels = Tensor::from_data(data, &self.device);
        let (logits, features) = match trunk {
            None => self.network.infer_with_late_features(pixels),
            Some(trunk) => {
                (self.network.infer(pixels.clone()), trunk.infer_with_late_features(pixels).1)
            }
        };
        let scores = rows(features).iter().map(|row| unknown.known.score(row)).collect();
        Ok((rows(logits), scores))
    }
}
