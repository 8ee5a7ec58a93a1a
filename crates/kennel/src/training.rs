//! Trains a network.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use kennel_core::{
    EpochRecord, Note, PartialSettings, Settings, Strategy, Task, Weights, files, task,
};
use kennel_models::{ModelError, architecture, architectures, locate_weights};
use kennel_train::{CacheOptions, TrainError, TrainOptions, Trained};

use crate::error::Refusal;
use crate::{DataSet, Error, Result, Run, device};

/// Size limit of the feature cache in bytes.
const CACHE_BYTES: u64 = 8 << 30;

/// Names of the networks that can be trained, as timm has them.
pub fn models() -> impl Iterator<Item = &'static str> {
    architectures().iter().map(|architecture| architecture.name)
}

/// What happened in a training.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A message for the user.
    Note(&'a Note),
    /// A step is done.
    Step {
        /// The epoch, counted from 1.
        epoch: usize,
        /// Photos of this epoch so far.
        photos: usize,
        /// All photos of an epoch.
        of: usize,
        /// Loss of the step's photos, in nats per image.
        loss: f32,
    },
    /// An epoch is finished, and saved.
    Epoch {
        /// Its results.
        record: &'a EpochRecord,
        /// Whether it is the best so far.
        is_best: bool,
    },
}

/// How to train a network. What is not set is the published recipe of the strategy.
pub struct Training<'a> {
    data: &'a DataSet,
    asked: PartialSettings,
    runs: PathBuf,
    cache: PathBuf,
    device: String,
    stop: Option<&'a AtomicBool>,
    on_event: OnEvent<'a>,
}

impl<'a> Training<'a> {
    /// Trains `model`, a network by timm's name, on `data`: by default with the strategy `auto`,
    /// from the network's default weights.
    pub fn new(model: impl Into<String>, data: &'a DataSet) -> Self {
        Self {
            data,
            asked: PartialSettings { model: Some(model.into()), ..PartialSettings::default() },
            runs: "runs".into(),
            cache: ".kennel/cache/features".into(),
            device: device::AUTO.into(),
            stop: None,
            on_event: Box::new(|_| {}),
        }
    }

    /// Sets which part of the network is trained.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.asked.strategy = Some(strategy.into());
        self
    }

    /// Sets the weights to begin with: the path of a timm model folder, a safetensors file or a
    /// run; timm's `arch.tag`, read from the Hugging Face cache; or [`Weights::Random`].
    pub fn weights(mut self, weights: impl Into<Weights>) -> Self {
        self.asked.weights = Some(weights.into());
        self
    }

    /// Sets the number of passes over the training photos.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.asked.epochs = Some(epochs);
        self
    }

    /// Sets the seed of every random choice.
    pub fn seed(mut self, seed: u64) -> Self {
        self.asked.seed = Some(seed);
        self
    }

    /// Sets the side in pixels at which photos are shown in evaluation, prediction and export.
    pub fn test_side(mut self, side_px: u32) -> Self {
        self.asked.test_side_px = Some(side_px);
        self
    }

    /// Sets whether a photo's logits are the mean of its own and of those of its mirror image, in
    /// evaluation, prediction and export.
    pub fn test_flip(mut self, is_averaged: bool) -> Self {
        self.asked.test_flip = Some(is_averaged);
        self
    }

    /// Lays other settings over those so far. The model and the photos stay those of
    /// [`Training::new`].
    pub fn settings(mut self, settings: PartialSettings) -> Self {
        let model =
            PartialSettings { model: self.asked.model.clone(), ..PartialSettings::default() };
        self.asked = self.asked.layered(settings.layered(model));
        self
    }

    /// Lays the settings of a TOML file, such as a recipe or the `config.toml` of a run, over those
    /// so far, as [`Training::settings`] does.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not TOML, an unknown key, a value of another kind.
    pub fn config(self, file: impl AsRef<Path>) -> Result<Self> {
        let text = files::read_text(file.as_ref()).map_err(Error::of)?;
        let settings = PartialSettings::parse(&text)
            .map_err(|reason| Refusal::Config { path: file.as_ref().into(), reason })?;
        Ok(self.settings(settings))
    }

    /// Sets the folder of runs.
    pub fn runs(mut self, folder: impl AsRef<Path>) -> Self {
        self.runs = folder.as_ref().into();
        self
    }

    /// Sets the folder for cached features of frozen layers, at most 8 GiB. It is safe to delete.
    pub fn cache(mut self, folder: impl AsRef<Path>) -> Self {
        self.cache = folder.as_ref().into();
        self
    }

    /// Sets the device: `auto`, `cpu`, or a GPU that is compiled in, such as `cuda:1`.
    pub fn device(mut self, name: impl Into<String>) -> Self {
        self.device = name.into();
        self
    }

    /// Ends the training at the next step after `stop` is set, with an error that
    /// [`is_stopped`](Error::is_stopped).
    pub fn stop(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Calls `on_event` for every note, step and epoch.
    pub fn on_event(mut self, on_event: impl FnMut(Event<'_>) + Send + 'a) -> Self {
        self.on_event = Box::new(on_event);
        self
    }

    /// Trains, keeps the best epoch, and evaluates it on the test photos.
    ///
    /// # Errors
    ///
    /// A model or device that is unknown, a setting out of bounds, weights that are not on this
    /// machine or do not fit, a split without photos: no run is made. A loss that is not finite, a
    /// file that cannot be written, and a training that was stopped: the finished epochs stay.
    pub fn train(self) -> Result<Run> {
        let settings = resolve(self.asked, self.data)?;
        let options = TrainOptions {
            cache: Some(CacheOptions { dir: self.cache, max_bytes: CACHE_BYTES }),
            data: Some(self.data.inner().clone()),
            ..TrainOptions::new(device::open(&self.device)?)
        };
        let never = AtomicBool::new(false);
        let listener = Mutex::new(self.on_event);
        let on = |event: task::Event<'_>| {
            if let Some(event) = public(event) {
                listener.lock().unwrap_or_else(PoisonError::into_inner)(event);
            }
        };
        let task = Task::new(self.stop.unwrap_or(&never), &on);
        let trained = kennel_auto::train(&settings, &self.runs, &options, task);
        let Trained { run, evaluation } = trained.map_err(Error::of)?;
        Ok(Run::new(run, evaluation))
    }
}

impl fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Training").field("settings", &self.asked).finish_non_exhaustive()
    }
}

/// Completes the settings with the recipe of the strategy and the preprocessing of the weights.
fn resolve(mut asked: PartialSettings, data: &DataSet) -> Result<Settings> {
    asked.data_dir = Some(data.path().display().to_string());
    let model = asked.model.as_deref().unwrap_or_default();
    let architecture = architecture(model).map_err(Error::of)?;
    let (weights, preprocessing, test_crop_pct) = match &asked.weights {
        Some(Weights::Random) => {
            let tag = architecture.default_tag();
            (Weights::Random, tag.preprocessing.clone(), tag.test_crop_pct)
        }
        weights => {
            let name = weights.as_ref().and_then(Weights::pretrained);
            let source = locate_weights(architecture, name).map_err(|error| match error {
                error @ ModelError::WeightsNotFound { .. } => Refusal::NoWeights(error).into(),
                error => Error::of(error),
            })?;
            (source.name.into(), source.preprocessing, source.test_crop_pct)
        }
    };
    let asked = asked.or_test_crop(test_crop_pct);
    let settings = asked.complete(weights, preprocessing).map_err(Error::of)?;
    settings.check().map_err(TrainError::from).map_err(Error::of)?;
    Ok(settings)
}

type OnEvent<'a> = Box<dyn FnMut(Event<'_>) + Send + 'a>;

/// Returns what a caller hears of an event.
fn public(event: task::Event<'_>) -> Option<Event<'_>> {
    match event {
        task::Event::Note(note) => Some(Event::Note(note)),
        task::Event::Step { epoch, done, of, loss } => {
            Some(Event::Step { epoch, photos: done, of, loss })
        }
        task::Event::Epoch { record, is_best } => Some(Event::Epoch { record, is_best }),
        _ => None,
    }
}
