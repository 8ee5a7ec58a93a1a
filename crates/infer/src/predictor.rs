//! A network that labels photos.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{Preprocessing, RunDir, TestView, imagenet};
use kennel_explain::HeatMap;
use kennel_metrics::{argmax, temperature_of};
use kennel_models::{
    LoadOptions, Network, RegularizationRates, Watched, architecture, load, load_trained,
    locate_weights, rows,
};
use kennel_unknown::Unknown;

use crate::mirror::with_mirror;
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
    view: TestView,
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
        view: TestView,
        class_names: Vec<String>,
        temperature: f64,
        compute: &Compute,
    ) -> Self {
        let device = compute.device().clone();
        Self { network, view, class_names, temperature, note: None, device, unknown: None }
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
        let view = record.settings.test_view();
        let note = (!run.is_finished()).then(|| {
            format!("{} is not finished: its best epoch so far answers", run.path().display())
        });
        let unknown = UnknownTeller::of_run(run, compute.device())?;
        Ok(Self {
            note,
            unknown,
            ..Self::new(network.valid(), view, class_names, temperature, compute)
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
        let temperature = source.temperature.unwrap_or(1.0);
        Ok(Self { note, ..Self::new(network, source.view, class_names, temperature, compute) })
    }

    /// A note for the user about the weights or the run, if any.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Tells unknown photos by `unknown`, if there is any.
    pub fn with_unknown(self, unknown: Option<UnknownTeller>) -> Self {
        Self { unknown, ..self }
    }

    /// How photos are shown to the network.
    pub fn view(&self) -> &TestView {
        &self.view
    }

    /// Turns preprocessed photos into a tensor, `[count, 3, side, side]`.
    fn tensor(&self, pixels: Vec<f32>, count: usize) -> Tensor<4> {
        let side = self.view.preprocessing.side_px as usize;
        Tensor::from_data(TensorData::new(pixels, [count, 3, side, side]), &self.device)
    }

    /// Averages the logits of `pixels` with those of their mirror images, if the view does.
    fn viewed(&self, logits: Tensor<2>, pixels: Tensor<4>) -> Tensor<2> {
        if self.view.flip { with_mirror(&self.network, logits, pixels) } else { logits }
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
        Some(&self.view.preprocessing)
    }

    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
        let pixels = self.tensor(pixels, count);
        Ok(rows(self.viewed(self.network.infer(pixels.clone()), pixels)))
    }

    fn features(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
        Ok(rows(self.network.infer_features(self.tensor(pixels, count))))
    }

    fn explain(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
        class_index: Option<usize>,
    ) -> Result<Vec<Explained>> {
        // Where mirror images vote, too, the photo's label is that of both; its heat is its own.
        let of_both = match self.view.flip {
            true => Some(self.logits(pixels.clone(), count)?),
            false => None,
        };
        let seen = |photo: usize, own: &[f32]| {
            of_both.as_ref().map_or_else(|| own.to_vec(), |all| all[photo].clone())
        };
        let choose =
            |photo: usize, own: &[f32]| class_index.unwrap_or_else(|| argmax(&seen(photo, own)));
        let side = self.view.preprocessing.side_px as usize;
        let watched = self.network.watch_rows(pixels, count, side, &self.device, choose);
        let explained = |(photo, watched): (usize, Watched)| {
            let Watched { logits, class_index, side, values, gradients } = watched;
            let heat = HeatMap::grad_cam(side, &values, &gradients);
            Explained { logits: seen(photo, &logits), class_index, heat }
        };
        Ok(watched.into_iter().enumerate().map(explained).collect())
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
        let pixels = self.tensor(pixels, count);
        let (logits, features) = match trunk {
            None => self.network.infer_with_late_features(pixels.clone()),
            Some(trunk) => {
                let features = trunk.infer_with_late_features(pixels.clone()).1;
                (self.network.infer(pixels.clone()), features)
            }
        };
        let logits = self.viewed(logits, pixels);
        let scores = rows(features).iter().map(|row| unknown.known.score(row)).collect();
        Ok((rows(logits), scores))
    }
}
