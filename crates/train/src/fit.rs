//! Runs the epochs of a run.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use kennel_core::seed::stream_seed;
use kennel_core::task::Event;
use kennel_core::{
    EpochRecord, PredictionRecord, RunDir, Settings, Split, Stopped, Strategy, Task,
};
use kennel_data::shuffled;
use kennel_infer::{collect, machine};
use kennel_metrics::{Evaluation, MetricsError, RunEvaluation};
use kennel_models::{
    LoadOptions, Network, StateDict, apply_state_dict, is_buffer, is_under, load, read_checkpoint,
    rows, running_statistics, state_dict,
};

use crate::checkpoint::{AVERAGE_PREFIX, Epoch, OPTIMIZER_PREFIX, Progress, Saved, save_epoch};
use crate::convex::ConvexHead;
use crate::features::{Batches, Features, Shown};
use crate::setup::Setup;
use crate::shards::{RowLayout, StepResult};
use crate::unknown::learn_unknown;
use crate::{
    CrossEntropy, LayerRates, Optimizer, Result, Schedule, TrainError, TrainOptions, WeightAverage,
    WeightDecay, clip_gradients, draw_mix, finish, take_gradients,
};

/// A finished run: all epochs are done and the best one is evaluated.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The run's directory.
    pub run: RunDir,
    /// Contents of `evaluation.json`.
    pub evaluation: RunEvaluation,
}

/// A run in progress.
pub struct Fit {
    settings: Settings,
    run: RunDir,
    setup: Setup,
    features: Features,
    device: Device,
    optimizer: Optimizer,
    /// The moving average of the weights, which is validated and saved in their place.
    average: Option<WeightAverage>,
    schedule: Schedule,
    rates: LayerRates,
    loss: CrossEntropy,
    progress: Progress,
    /// The convex head that the network has, if one was fitted a moment ago.
    head: Option<ConvexHead>,
    skip_test: bool,
    /// Rows of the shards, if there are several.
    layout: Option<RowLayout>,
}

/// A step, by its epoch and its number in it, both from 0.
#[derive(Clone, Copy, Debug)]
struct Place {
    epoch: usize,
    step: usize,
}

/// Where a run begins.
pub enum Start {
    /// With a head that was drawn.
    Drawn,
    /// With a head that was fitted, and is the network's.
    Fitted(ConvexHead),
    /// After an epoch.
    Saved(Box<Saved>),
}

/// Results of one pass over the training photos.
struct TrainPass {
    loss: f64,
    /// None if photos were mixed.
    accuracy: Option<f64>,
    learning_rate: f64,
    images_per_s: f64,
}

impl TrainPass {
    /// The fit of a convex head, in place of steps.
    fn of(head: &ConvexHead, setup: &Setup) -> Self {
        let photos = setup.data.photos(Split::Train).len() as f64;
        TrainPass {
            loss: head.train_loss,
            accuracy: Some(head.train_accuracy),
            learning_rate: 0.0,
            images_per_s: photos / head.seconds,
        }
    }
}

impl Fit {
    /// Begins a run, or resumes it after its last finished epoch.
    pub fn new(
        settings: Settings,
        run: RunDir,
        mut setup: Setup,
        features: Features,
        start: Start,
        options: &TrainOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        // Earlier predictions would be those of another epoch.
        let skip_test = options.skip_test && !run.predictions(Split::Test).exists();
        let device = options.compute.device().clone();
        let photos = setup.data.photos(Split::Train).len();
        let steps = steps_per_epoch(photos, &settings);
        let mut schedule = Schedule::new(
            settings.scheduler.clone(),
            settings.warmup_epochs,
            settings.learning_rate,
            settings.epochs,
            steps,
        );
        let mut optimizer = Optimizer::new(settings.optimizer.clone());
        let mut average = settings.ema.map(WeightAverage::new);
        let mut progress = Progress {
            history: Vec::new(),
            best: 0,
            optimizer_steps: 0,
            plateau: schedule.plateau(),
            settings: settings.clone(),
        };
        let mut head = None;
        if let Start::Fitted(fitted) = start {
            head = Some(fitted);
        } else if let Start::Saved(saved) = start {
            let saved = *saved;
            // The number of epochs may change on resume; nothing else may.
            let began = Settings { epochs: settings.epochs, ..saved.progress.settings.clone() };
            if began != settings {
                let reason = "config.toml is not what it began with".into();
                return Err(TrainError::CannotResume {
                    path: run.path().into(),
                    reason,
                    hint: None,
                });
            }
            setup.network = setup.network.map(|network| apply_state_dict(network, &saved.network));
            setup.initial_head = saved.initial_head;
            let steps = saved.progress.optimizer_steps;
            optimizer = Optimizer::restore(
                settings.optimizer.clone(),
                steps,
                OPTIMIZER_PREFIX,
                &saved.optimizer,
                &device,
            );
            average = settings.ema.map(|decay| {
                WeightAverage::restore(decay, AVERAGE_PREFIX, &saved.average, &device)
            });
            schedule = schedule.resume(saved.progress.plateau);
            progress = Progress { settings: settings.clone(), ..saved.progress };
        }
        task.tell(Event::Run {
            run: &run,
            settings: &settings,
            facts: &setup.facts,
            finished_epochs: progress.history.len(),
        });
        let rates = LayerRates::new(setup.network(), &settings);
        let optimizer = optimizer.with_decay_of(WeightDecay::new(setup.network(), &settings));
        let loss = CrossEntropy::new(settings.label_smoothing, setup.class_weights.clone());
        let network = setup.network();
        let layout = (!setup.shards.are_one()).then(|| {
            let is_trained = |name: &str| !is_buffer(name) && moves(name, &setup);
            let tensors = state_dict(network).into_iter().filter(|(name, _)| is_trained(name));
            let gradients = tensors.map(|(name, value)| (name, value.data.len())).collect();
            RowLayout::new(gradients, moving_statistics(network, &setup, &settings))
        });
        Ok(Self {
            settings,
            run,
            setup,
            features,
            device,
            optimizer,
            average,
            schedule,
            rates,
            loss,
            progress,
            head,
            skip_test,
            layout,
        })
    }

    /// Trains the epochs that are left and evaluates the best one.
    pub fn run(mut self, task: Task<'_>) -> Result<Trained> {
        match self.train_epochs(task).and_then(|()| self.end(task)) {
            Ok(evaluation) => Ok(Trained { run: self.run, evaluation }),
            Err(TrainError::Stopped(_)) => {
                Err(TrainError::Interrupted { epochs: self.progress.history.len(), run: self.run })
            }
            Err(error) => Err(error),
        }
    }

    fn train_epochs(&mut self, task: Task<'_>) -> Result<()> {
        let head_s = self.head.as_ref().map_or(0.0, |head| head.seconds);
        let before_s = head_s + self.progress.history.last().map_or(0.0, |epoch| epoch.elapsed_s);
        let began = Instant::now();
        while !self.is_done() {
            let index = self.progress.history.len();
            let pass = match &self.head {
                Some(head) if self.settings.method == Strategy::Freeze.into() => {
                    TrainPass::of(head, &self.setup)
                }
                _ => self.train_pass(index, task)?,
            };
            let network = self.evaluated();
            let val = match self.setup.data.is_without_validation() {
                true => None,
                false => Some(self.validate(&network, index, task)?),
            };
            let (val_predictions, val) = val.unzip();
            self.schedule.end_epoch(val.as_ref().map_or(pass.loss, |val| val.log_loss));
            let averaged = self.average.as_ref().map(|_| state_dict(&network));
            let tensors = state_dict(self.setup.network());
            let record = EpochRecord {
                epoch: index + 1,
                train_loss: pass.loss,
                train_accuracy: pass.accuracy,
                mixed_labels: pass.accuracy.is_none(),
                val_loss: val.as_ref().map(|val| val.log_loss),
                val_accuracy: val.as_ref().map(|val| val.accuracy.value),
                learning_rate: pass.learning_rate,
                head_update_ratio: self.head_update_ratio(&tensors),
                elapsed_s: before_s + began.elapsed().as_secs_f64(),
                images_per_s: pass.images_per_s,
                peak_rss_bytes: machine::peak_rss_bytes(),
            };
            let epoch = Epoch {
                tensors,
                averaged,
                trained: &self.setup.trained,
                optimizer: &self.optimizer,
                average: self.average.as_ref(),
                initial_head: &self.setup.initial_head,
                batches_tracked: &self.setup.batches_tracked,
                val_predictions: val_predictions.as_deref(),
            };
            let plateau = self.schedule.plateau();
            let is_best = self.progress.add(record.clone(), plateau, self.optimizer.steps());
            if self.setup.shards.ranks().is_first() {
                save_epoch(&self.run, &self.progress, is_best, epoch)?;
            }
            task.tell(Event::Epoch { record: &record, is_best });
        }
        Ok(())
    }

    /// Predicts the validation photos after the epoch with this index.
    fn validate(
        &mut self,
        network: &Network,
        index: usize,
        task: Task<'_>,
    ) -> Result<(Vec<PredictionRecord>, Evaluation)> {
        let photos = self.setup.data.photos(Split::Val);
        let own = self.setup.shards.predicted(photos.len());
        let predictions = self.predict(network, Split::Val, own, "validation", task)?;
        let photos = self.setup.data.photos(Split::Val);
        let predictions =
            self.setup.shards.gather(predictions, photos, &self.setup.facts.class_names)?;
        let evaluation = kennel_metrics::evaluate(&predictions, &self.setup.facts.class_names)
            .map_err(|error| match error {
                MetricsError::NotFinite { path: photo, logit, .. } => {
                    TrainError::DivergedAnswer { epoch: index + 1, photo, logit }
                }
                error => error.into(),
            })?;
        Ok((predictions, evaluation))
    }

    /// Returns the network that is validated and saved as the best: with averaged weights if the run
    /// averages them.
    fn evaluated(&self) -> Network {
        match &self.average {
            Some(average) => average.averaged(self.setup.network()),
            None => self.setup.network().valid(),
        }
    }

    /// Whether all epochs are done or early stopping applies.
    fn is_done(&self) -> bool {
        self.progress.history.len() >= self.settings.epochs
            || self.progress.is_out_of_patience(&self.settings)
    }

    /// Trains one epoch.
    fn train_pass(&mut self, epoch: usize, task: Task<'_>) -> Result<TrainPass> {
        let photos = self.setup.data.photos(Split::Train).len();
        let mut order = shuffled(photos, self.settings.seed, epoch as u64);
        order.truncate(photos_per_epoch(photos, self.setup.shards.size()));
        let of = order.len();
        let (mut seen, mut correct, mut total_loss, mut learning_rate) = (0, 0, 0.0, 0.0);
        let is_mixed = self.settings.mixes(epoch);
        let part = self.features.train_part(epoch);
        let began = Instant::now();
        let own = self.setup.shards.of_epoch(&order);
        let size = self.setup.shards.size();
        let mut batches = self.features.batches(self.setup.network(), part, own, size, task)?;
        for (step, photos) in order.chunks(self.settings.batch_size).enumerate() {
            let place = Place { epoch, step };
            let network = self.setup.network.take().expect("every step puts it back");
            let (network, result) = match &self.layout {
                None => {
                    task.check()?;
                    let result = self.pass(&network, next(&mut batches)?, place, None);
                    (network, result)
                }
                Some(layout) => {
                    self.in_shards(layout, network, photos, &mut batches, place, task)?
                }
            };
            let StepResult { mut gradients, loss, .. } = result;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch: epoch + 1, step: step + 1, loss });
            }
            if let Some(max_norm) = self.settings.gradient_clip {
                clip_gradients(&mut gradients, max_norm);
            }
            learning_rate = self.schedule.learning_rate(epoch, step);
            let rates = &self.rates;
            let moved =
                self.optimizer.step(network, gradients, |name| learning_rate * rates.factor(name));
            if let Some(average) = &mut self.average {
                average.update(&moved, &self.setup.trained, self.optimizer.steps());
            }
            self.setup.network = Some(moved);
            correct += result.correct;
            seen += photos.len();
            total_loss += f64::from(loss) * photos.len() as f64;
            task.tell(Event::Step { epoch: epoch + 1, done: seen, of, loss });
        }
        Ok(TrainPass {
            loss: total_loss / seen as f64,
            accuracy: (!is_mixed).then(|| correct as f64 / seen as f64),
            learning_rate,
            images_per_s: seen as f64 / began.elapsed().as_secs_f64(),
        })
    }

    /// Passes the photos of a batch, or of one of its shards, through the network and back.
    fn pass(
        &self,
        network: &Network,
        (shown, labels): (Shown, Vec<usize>),
        place: Place,
        shard: Option<usize>,
    ) -> StepResult {
        let (shown, own_share) = self.mixed(shown, place);
        self.seed_dropout(place, shard);
        let logits = self.features.forward(network, shown);
        let loss = self.loss.forward_mixed(logits.clone(), &labels, own_share);
        let value = loss.clone().into_scalar::<f32>();
        let gradients = take_gradients(network, loss.backward());
        let answers = rows(logits.without_autodiff());
        let is_right = |(row, label): &(&Vec<f32>, &usize)| kennel_metrics::argmax(row) == **label;
        let correct = answers.iter().zip(&labels).filter(is_right).count();
        StepResult { gradients, loss: value, correct, ..StepResult::default() }
    }

    /// Passes the photos of a step through the network and back in shards. Each begins with the
    /// running statistics that the network had before the step.
    fn in_shards(
        &self,
        layout: &RowLayout,
        network: Network,
        photos: &[usize],
        batches: &mut Batches,
        place: Place,
        task: Task<'_>,
    ) -> Result<(Network, StepResult)> {
        let all = self.setup.data.photos(Split::Train);
        let weight = |photos: &[usize]| -> f64 {
            photos.iter().map(|&photo| self.setup.class_weights[all[photo].class_index]).sum()
        };
        let before = moving_statistics(&network, &self.setup, &self.settings);
        let mut network = Some(network);
        let sum = self.setup.shards.sum(|shard| {
            let here = &photos[self.setup.shards.places(shard, photos.len())];
            // All processes stop at the same step.
            let is_stopped = task.is_stopped();
            if here.is_empty() {
                return Ok(layout.pack_empty(is_stopped));
            }
            let module = network.take().expect("every shard puts it back");
            let module = apply_state_dict(module, &before);
            let result = self.pass(&module, next(batches)?, place, Some(shard));
            let statistics = moving_statistics(&module, &self.setup, &self.settings);
            network = Some(module);
            let of_loss = weight(here) / weight(photos);
            let of_photos = here.len() as f64 / photos.len() as f64;
            let result = StepResult { statistics, is_stopped, ..result };
            Ok(layout.pack(result, of_loss as f32, of_photos as f32))
        })?;
        let result = layout.unpack(&sum, &self.device);
        if result.is_stopped {
            return Err(Stopped.into());
        }
        let network = network.expect("every shard puts it back");
        Ok((apply_state_dict(network, &result.statistics), result))
    }

    /// Mixes the pixels of a step, if the run mixes. Returns them with the weight of a photo's own
    /// label.
    fn mixed(&self, shown: Shown, Place { epoch, step }: Place) -> (Shown, f64) {
        let Settings { seed, preprocessing, .. } = &self.settings;
        let side_px = preprocessing.side_px as usize;
        let draw = |mixing| draw_mix(&mixing, *seed, epoch, step, side_px);
        match (shown, self.settings.mixing().and_then(draw)) {
            (Shown::Pixels(pixels), Some(mix)) => (Shown::Pixels(mix.pixels(pixels)), mix.share()),
            (shown, _) => (shown, 1.0),
        }
    }

    /// Seeds the device's generator, which dropout draws from, at every step, so that a resumed run
    /// draws the same values.
    fn seed_dropout(&self, Place { epoch, step }: Place, shard: Option<usize>) {
        if self.settings.drop_rate > 0.0 || self.settings.drop_path_rate > 0.0 {
            let indices = [Some(epoch), Some(step), shard].into_iter().flatten();
            let indices: Vec<u64> = indices.map(|index| index as u64).collect();
            let bytes = stream_seed(self.settings.seed, "dropout", &indices);
            let (first, _) = bytes.split_first_chunk::<8>().expect("32 bytes");
            self.device.seed(u64::from_le_bytes(*first));
        }
    }

    /// Predicts the photos of a split at `places`.
    fn predict(
        &mut self,
        network: &Network,
        split: Split,
        places: Range<usize>,
        what: &str,
        task: Task<'_>,
    ) -> Result<Vec<PredictionRecord>> {
        let photos = Arc::clone(self.setup.data.photos(split));
        let logits = self.features.logits(network, split, places.clone(), task)?;
        collect(&photos[places], &self.setup.facts.class_names, logits, what, task)
    }

    /// `rms(w - w0) / rms(w0)` over the head.
    fn head_update_ratio(&self, tensors: &StateDict) -> f64 {
        let head = self.setup.network().head();
        let (mut moved, mut start) = (0.0, 0.0);
        for (name, value) in tensors.iter().filter(|(name, _)| is_under(name, head)) {
            for (now, before) in value.data.iter().zip(&self.setup.initial_head[name].data) {
                moved += f64::from(now - before).powi(2);
                start += f64::from(*before).powi(2);
            }
        }
        (moved / start).sqrt()
    }

    /// Finishes the run on rank 0 and sends its evaluation to the others.
    fn end(&mut self, task: Task<'_>) -> Result<RunEvaluation> {
        let shards = self.setup.shards.clone();
        let own = shards.ranks().is_first().then(|| self.finish(task)).transpose()?;
        let mut bytes = serde_json::to_vec(&own).expect("plain data");
        shards.ranks().broadcast(&mut bytes)?;
        Ok(own.unwrap_or_else(|| serde_json::from_slice(&bytes).expect("rank 0 wrote it")))
    }

    /// Evaluates the best epoch on the test photos, once, after the last epoch, unless the caller
    /// leaves them out.
    fn finish(&mut self, task: Task<'_>) -> Result<RunEvaluation> {
        let best = read_checkpoint(&self.run.best_weights())?;
        let network = self.setup.network().valid();
        let (network, _) = load(
            network,
            &best,
            LoadOptions::Exact,
            &self.settings.model,
            &self.run.best_weights(),
        )?;
        let photos = self.setup.data.photos(Split::Test).len();
        let mut test = None;
        if photos > 0 && self.skip_test {
            task.tell(Event::TestSkipped { photos });
        } else if photos > 0 {
            test = Some(self.predict(&network, Split::Test, 0..photos, "test", task)?);
        }
        if let Some(share) = self.settings.unknown_share {
            let data = &self.setup.data;
            learn_unknown(&self.run, &network, data, &self.settings, share, &self.device, task)?;
        }
        finish::finish_run(&self.run, test.as_deref())
    }
}

/// Takes the next batch, of which there is one for every pass.
fn next(batches: &mut Batches) -> Result<(Shown, Vec<usize>)> {
    batches.next().expect("a batch for every pass")
}

/// The running statistics that a step changes.
fn moving_statistics(network: &Network, setup: &Setup, settings: &Settings) -> StateDict {
    match settings.freeze_norm {
        true => StateDict::new(),
        false => running_statistics(network, |name| moves(name, setup)),
    }
}

/// Whether a tensor is in a part that is trained.
fn moves(name: &str, setup: &Setup) -> bool {
    setup.trained.iter().any(|prefix| is_under(name, prefix))
}

/// Steps per epoch on so many training photos.
pub(crate) fn steps_per_epoch(photos: usize, settings: &Settings) -> usize {
    photos_per_epoch(photos, settings.shard_size()).div_ceil(settings.batch_size).max(1)
}

/// Training photos per epoch: all of them, except that a last shard of one photo is dropped. One
/// photo has no batch statistics to normalise by (PyTorch refuses it).
fn photos_per_epoch(photos: usize, shard_size: usize) -> usize {
    if photos > 1 && photos % shard_size == 1 { photos - 1 } else { photos }
}
