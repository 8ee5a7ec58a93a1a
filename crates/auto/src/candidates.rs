//! The networks that could be the result, with their predictions of the validation photos.

use kennel_core::{PredictionRecord, RunDir, RunRecord, Split, Strategy, Task};
use kennel_data::Dataset;
use kennel_infer::{Predictor, predict_photos};
use kennel_models::{
    Checkpoint, LoadOptions, Network, RegularizationRates, StateDict, architecture, load,
    read_checkpoint,
};
use kennel_train::TrainOptions;

use crate::Result;
use crate::average::average;
use crate::choose::Losses;
use crate::recipe::SHARES;

/// A network that could be the result. Its weights are read when they are needed: there are many
/// candidates.
#[derive(Clone)]
pub struct Candidate {
    /// The trial that trained it.
    pub trial: RunDir,
    /// What the trial trained.
    pub strategy: Strategy,
    /// Share of the trial's weights in an average with the convex head's network, if it is one.
    pub share: Option<f64>,
    /// Predictions of the validation photos.
    pub val: Vec<PredictionRecord>,
    /// Their losses.
    pub losses: Losses,
}

/// Computes predictions of networks that no run has made.
pub struct Bench<'a> {
    /// The run of `auto`.
    pub run: &'a RunDir,
    /// The photos.
    pub data: &'a Dataset,
    /// Device of the networks.
    pub options: &'a TrainOptions,
}

impl Candidate {
    /// The best epoch of a trial, as it predicted the validation photos.
    ///
    /// # Errors
    ///
    /// A trial that is damaged.
    pub fn of_trial(trial: &RunDir, share: Option<f64>) -> Result<Self> {
        let record = trial.read_record()?;
        let classes = &record.facts.class_names;
        let val = trial.read_predictions(Split::Val, classes, &trial.read_manifest()?)?;
        let val = val.expect("a finished run has predicted its validation photos");
        Ok(Candidate {
            trial: trial.clone(),
            strategy: record.settings.strategy()?,
            share,
            losses: Losses::of(&val, classes)?,
            val,
        })
    }

    /// Whether it is an average of two networks.
    pub fn is_average(&self) -> bool {
        self.share.is_some_and(|share| share < 1.0)
    }

    /// Reads the weights; `probe` is the trial of the convex head.
    ///
    /// # Errors
    ///
    /// A trial that is damaged.
    pub fn weights(&self, probe: &RunDir) -> Result<Checkpoint> {
        let own = read_checkpoint(&self.trial.best_weights())?;
        let Some(share) = self.share.filter(|_| self.is_average()) else { return Ok(own) };
        let base = read_checkpoint(&probe.best_weights())?;
        let tensors = average(&[(&base.tensors, 1.0 - share), (&own.tensors, share)]);
        Ok(Checkpoint { tensors, ..own })
    }

    /// The averages of the convex head's network with a fine-tuned one, from the smallest share;
    /// the last is the fine-tuned network.
    ///
    /// # Errors
    ///
    /// A trial that is damaged; a photo that cannot be read any more; a task that is stopped.
    pub fn averages(
        probe: &Candidate,
        trial: &RunDir,
        bench: &Bench<'_>,
        task: Task<'_>,
    ) -> Result<Vec<Self>> {
        let tuned = Candidate::of_trial(trial, Some(1.0))?;
        let classes = bench.run.read_record()?.facts.class_names;
        let mut all = Vec::new();
        for share in SHARES.into_iter().filter(|&share| share < 1.0) {
            let mut mixed = Candidate { share: Some(share), ..tuned.clone() };
            let what = format!("validation, {share} of {}", tuned.strategy);
            let network = bench.network(&mixed.weights(&probe.trial)?.tensors)?;
            mixed.val = bench.predict(network, Split::Val, &what, task)?;
            mixed.losses = Losses::of(&mixed.val, &classes)?;
            all.push(mixed);
        }
        all.push(tuned);
        Ok(all)
    }
}

impl Bench<'_> {
    /// Makes a network of these weights, in evaluation mode.
    ///
    /// # Errors
    ///
    /// Weights that do not fit.
    pub fn network(&self, tensors: &StateDict) -> Result<Network> {
        let RunRecord { settings, facts } = self.run.read_record()?;
        let architecture = architecture(&settings.model)?;
        let (rates, device) = (RegularizationRates::default(), self.options.compute.device());
        let network = Network::new(architecture, facts.class_names.len(), rates, device);
        let checkpoint = Checkpoint { tensors: tensors.clone(), ..Checkpoint::default() };
        let path = self.run.best_weights();
        Ok(load(network, &checkpoint, LoadOptions::Exact, architecture.name, &path)?.0)
    }

    /// Predicts the photos of a split.
    ///
    /// # Errors
    ///
    /// A photo that cannot be read any more; a task that is stopped.
    pub fn predict(
        &self,
        network: Network,
        split: Split,
        what: &str,
        task: Task<'_>,
    ) -> Result<Vec<PredictionRecord>> {
        let RunRecord { settings, facts } = self.run.read_record()?;
        let (view, classes) = (settings.test_view(), facts.class_names);
        let compute = &self.options.compute;
        let mut predictor = Predictor::new(network, view, classes, 1.0, compute);
        let photos = self.data.photos(split);
        Ok(predict_photos(&mut predictor, photos, self.data.classes(), what, task)?)
    }
}
