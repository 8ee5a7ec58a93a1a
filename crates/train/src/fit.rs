//! Runs the epochs of a run.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use kennel_core::seed::stream_seed;
use kennel_core::task::Event;
use kennel_core::{
    EpochRecord, Hint, Lock, Manifest, Note, PredictionRecord, RunDir, RunRecord, SchedulerKind,
    Settings, Split, Task,
};
use kennel_data::shuffled;
use kennel_infer::{BATCH, collect, machine};
use kennel_metrics::{MetricsError, RunEvaluation};
use kennel_models::{
    LoadOptions, Network, StateDict, apply_state_dict, is_under, load, read_checkpoint, rows,
    state_dict,
};

use crate::checkpoint::{Epoch, OPTIMIZER_PREFIX, Progress, Saved, read_saved, save_epoch};
use crate::features::{Features, Part};
use crate::setup::{Setup, set_up};
use crate::unknown::learn_unknown;
use crate::{
    CrossEntropy, LayerRates, Optimizer, Result, Schedule, TrainError, TrainOptions,
    clip_gradients, finish, take_gradients,
};

/// A finished run: all epochs are done and the best one is evaluated.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The run's directory.
    pub run: RunDir,
    /// Contents of `evaluation.json`.
    pub evaluation: RunEvaluation,
}

/// Trains a new run under `runs`.
///
/// # Errors
///
/// - Settings, photos or weights that are invalid; [`TrainError::Stopped`] if the task is stopped
///   while they are checked. Then no run directory is made.
/// - A file that cannot be written, or a loss that is not finite.
/// - [`TrainError::Interrupted`] if the task is stopped later: at the next step, with the last
///   finished epoch saved.
pub fn train(
    settings: &Settings,
    runs: &Path,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    let (setup, features) = set_up_features(settings, options, task)?;
    let (_, stamp) = machine::now();
    let record = RunRecord { settings: settings.clone(), facts: setup.facts.clone() };
    let (run, _lock) =
        RunDir::begin(runs, &machine::run_name(&stamp, settings), |run, changes| {
            changes.write(&run.manifest(), |path| setup.data.manifest().write(path))?;
            changes.write(&run.config(), |path| record.write(path))
        })?;
    Fit::new(record.settings, run, setup, features, None, options, task)?.run(task)
}

/// Resumes a run after its last finished epoch. Trains up to `epochs` in all if given, else up to
/// the number in its settings. A finished run is only evaluated again, unless `epochs` asks
/// for more.
///
/// # Errors
///
/// As [`train`]; when another process is training the run; when the photos or the run's files have
/// changed since it began; when `epochs` is not more than the number of finished epochs.
pub fn resume(
    run: RunDir,
    epochs: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Trained> {
    // `is_finished` is checked again below, after taking the lock: the previous owner may have
    // finished the run, or taking the lock may have completed a commit that finished it.
    let _lock = (!run.is_finished() || epochs.is_some()).then(|| taken(&run)).transpose()?;
    let mut record = run.read_record()?;
    if run.is_finished() && epochs.is_none() {
        run.tidy();
        task.note(Note::hinted(
            "the run is finished already: nothing is left to train",
            Hint::MoreEpochs,
        ));
        let evaluation = finish::evaluate_run(&run)?;
        return Ok(Trained { run, evaluation });
    }
    run.check_files()?;
    let saved = read_saved(&run)?;
    if saved.is_none() {
        task.note("no epoch was finished: it begins at epoch 1 again");
    }
    let (setup, features) = set_up_features(&record.settings, options, task)?;
    let began = &record.facts;
    let cannot = |reason: &str, hint: Option<Hint>| TrainError::CannotResume {
        path: run.path().into(),
        reason: reason.into(),
        hint: hint.map(Box::new),
    };
    if setup.facts.manifest_sha256 != began.manifest_sha256 {
        let seed = match Path::new(&record.settings.data_dir).join(Manifest::FILE_NAME).is_file() {
            true => Some(run.read_manifest()?.seed),
            // The user's own folder: Kennel did not write it and cannot restore it.
            false => None,
        };
        let hint = Hint::RestorePhotos {
            run: run.path().into(),
            data: record.settings.data_dir.clone(),
            seed,
        };
        return Err(cannot("the photos are not those it began with", Some(hint)));
    }
    if setup.facts.class_names != began.class_names {
        return Err(cannot("its class names are not those of the photos", None));
    }
    if setup.facts.weights_sha256 != began.weights_sha256 {
        return Err(cannot("the pretrained weights are not those it began with", None));
    }
    if let Some(epochs) = epochs {
        go_further(&run, &mut record, epochs, saved.as_ref(), task)?;
    }
    Fit::new(record.settings, run, setup, features, saved, options, task)?.run(task)
}

/// Whether early stopping ends the run: no improvement in the last `early_stopping` epochs.
fn is_out_of_patience(settings: &Settings, progress: &Progress) -> bool {
    let finished = progress.history.len();
    settings
        .early_stopping
        .is_some_and(|patience| finished > 0 && finished - 1 - progress.best >= patience)
}

/// Raises the number of epochs of a run, including a finished one.
fn go_further(
    run: &RunDir,
    record: &mut RunRecord,
    epochs: usize,
    saved: Option<&Saved>,
    task: Task<'_>,
) -> Result<()> {
    let finished = saved.map_or(0, |saved| saved.progress.history.len());
    if epochs <= finished {
        return Err(TrainError::Hyperparameter {
            name: "epochs",
            found: epochs.to_string(),
            expected: "more than are finished",
        });
    }
    if saved.is_some_and(|saved| is_out_of_patience(&record.settings, &saved.progress)) {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: format!("early stopping ended it after epoch {finished}"),
            hint: Some(Box::new(Hint::BeginAnew {
                run: run.path().into(),
                early_stopping: Some(epochs),
            })),
        });
    }
    let before = std::mem::replace(&mut record.settings.epochs, epochs);
    let scheduler = &record.settings.scheduler;
    let depends =
        matches!(scheduler, SchedulerKind::Cosine { .. } | SchedulerKind::OneCycle { .. });
    if depends && before != epochs {
        let text = format!(
            "the {} schedule now runs over {epochs} epochs in place of {before}: the learning rate jumps to where it would be in \
             epoch {} of {epochs}, and the run ends otherwise than one that was told so from the beginning",
            scheduler.name(),
            finished + 1
        );
        task.note(text);
    }
    if run.is_finished() {
        let text = "the run was finished: its best epoch of all will read the test photos again; whoever chooses the number of epochs by \
                    what they say has chosen on them";
        task.note(text);
    }
    let mut changes = run.changes()?;
    changes.write(&run.config(), |path| record.write(path))?;
    changes.reopen();
    Ok(changes.commit()?)
}

/// Takes the run's lock: two processes that write the same checkpoints would each resume from the
/// other's.
fn taken(run: &RunDir) -> Result<Lock> {
    run.lock()?.ok_or_else(|| TrainError::InUse { path: run.path().into() })
}

/// Sets up the run and its feature cache.
pub(crate) fn set_up_features(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<(Setup, Features)> {
    machine::reset_peak_rss();
    let mut setup = set_up(settings, options, task)?;
    let frozen_stages = setup.network().frozen_stages(&setup.trained);
    let features = Features::new(&setup, frozen_stages, settings, options);
    if let Some(folder) = features.folder() {
        setup.facts.feature_cache = Some(folder.display().to_string());
    }
    Ok((setup, features))
}

/// A run in progress.
struct Fit {
    settings: Settings,
    run: RunDir,
    setup: Setup,
    features: Features,
    device: Device,
    optimizer: Optimizer,
    schedule: Schedule,
    rates: LayerRates,
    loss: CrossEntropy,
    progress: Progress,
}

/// Results of one pass over the training photos.
struct TrainPass {
    loss: f64,
    accuracy: f64,
    learning_rate: f64,
    images_per_s: f64,
}

impl Fit {
    /// Begins a run, or resumes it from `saved`, the state after its last finished epoch.
    fn new(
        settings: Settings,
        run: RunDir,
        mut setup: Setup,
        features: Features,
        saved: Option<Saved>,
        options: &TrainOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        let device = options.compute.device().clone();
        let photos = setup.data.photos(Split::Train).len();
        let steps = steps_per_epoch(photos, settings.batch_size);
        let mut schedule = Schedule::new(
            settings.scheduler.clone(),
            settings.warmup_epochs,
            settings.learning_rate,
            settings.epochs,
            steps,
        );
        let mut optimizer = Optimizer::new(settings.optimizer.clone());
        let mut progress = Progress {
            history: Vec::new(),
            best: 0,
            optimizer_steps: 0,
            plateau: schedule.plateau(),
            settings: settings.clone(),
        };
        if let Some(saved) = saved {
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
        let loss = CrossEntropy::new(settings.label_smoothing, setup.class_weights.clone());
        Ok(Self {
            settings,
            run,
            setup,
            features,
            device,
            optimizer,
            schedule,
            rates,
            loss,
            progress,
        })
    }

    /// Trains the epochs that are left and evaluates the best one.
    fn run(mut self, task: Task<'_>) -> Result<Trained> {
        match self.train_epochs(task).and_then(|()| self.finish(task)) {
            Ok(evaluation) => Ok(Trained { run: self.run, evaluation }),
            Err(TrainError::Stopped(_)) => {
                Err(TrainError::Interrupted { epochs: self.progress.history.len(), run: self.run })
            }
            Err(error) => Err(error),
        }
    }

    fn train_epochs(&mut self, task: Task<'_>) -> Result<()> {
        let before_s = self.progress.history.last().map_or(0.0, |epoch| epoch.elapsed_s);
        let began = Instant::now();
        while !self.is_done() {
            let index = self.progress.history.len();
            let pass = self.train_pass(index, task)?;
            let network = self.setup.network().valid();
            let val_predictions = self.predict(&network, Split::Val, "validation", task)?;
            let val = kennel_metrics::evaluate(&val_predictions, &self.setup.facts.class_names)
                .map_err(|error| match error {
                    MetricsError::NotFinite { path: photo, logit, .. } => {
                        TrainError::DivergedAnswer { epoch: index + 1, photo, logit }
                    }
                    error => error.into(),
                })?;
            self.schedule.end_epoch(val.log_loss);
            let tensors = state_dict(self.setup.network());
            let record = EpochRecord {
                epoch: index + 1,
                train_loss: pass.loss,
                train_accuracy: pass.accuracy,
                val_loss: val.log_loss,
                val_accuracy: val.accuracy.value,
                learning_rate: pass.learning_rate,
                head_update_ratio: self.head_update_ratio(&tensors),
                elapsed_s: before_s + began.elapsed().as_secs_f64(),
                images_per_s: pass.images_per_s,
                peak_rss_bytes: machine::peak_rss_bytes(),
            };
            let epoch = Epoch {
                tensors,
                trained: &self.setup.trained,
                optimizer: &self.optimizer,
                initial_head: &self.setup.initial_head,
                batches_tracked: &self.setup.batches_tracked,
                val_predictions: &val_predictions,
            };
            let plateau = self.schedule.plateau();
            let is_best =
                save_epoch(&self.run, &mut self.progress, record.clone(), plateau, epoch)?;
            task.tell(Event::Epoch { record: &record, is_best });
        }
        Ok(())
    }

    /// Whether all epochs are done or early stopping applies.
    fn is_done(&self) -> bool {
        self.progress.history.len() >= self.settings.epochs
            || is_out_of_patience(&self.settings, &self.progress)
    }

    /// Trains one epoch.
    fn train_pass(&mut self, epoch: usize, task: Task<'_>) -> Result<TrainPass> {
        let photos = self.setup.data.photos(Split::Train).len();
        let mut order = shuffled(photos, self.settings.seed, epoch as u64);
        order.truncate(photos_per_epoch(photos, self.settings.batch_size));
        let of = order.len();
        let (mut seen, mut correct, mut total_loss, mut learning_rate) = (0, 0, 0.0, 0.0);
        let part = self.features.train_part(epoch);
        let began = Instant::now();
        let batches = self.features.batches(
            self.setup.network(),
            part,
            order,
            self.settings.batch_size,
            task,
        )?;
        for (step, batch) in batches.enumerate() {
            task.check()?;
            let (shown, labels) = batch?;
            self.seed_dropout(epoch, step);
            let network = self.setup.network.take().expect("every step puts it back");
            let logits = self.features.forward(&network, shown);
            let loss = self.loss.forward(logits.clone(), &labels);
            let value = loss.clone().into_scalar::<f32>();
            if !value.is_finite() {
                return Err(TrainError::Diverged { epoch: epoch + 1, step: step + 1, loss: value });
            }
            let mut gradients = take_gradients(&network, loss.backward());
            if let Some(max_norm) = self.settings.gradient_clip {
                clip_gradients(&mut gradients, max_norm);
            }
            learning_rate = self.schedule.learning_rate(epoch, step);
            let rates = &self.rates;
            let moved =
                self.optimizer.step(network, gradients, |name| learning_rate * rates.factor(name));
            self.setup.network = Some(moved);
            let rows = rows(logits.without_autodiff());
            correct += rows
                .iter()
                .zip(&labels)
                .filter(|(row, label)| kennel_metrics::argmax(row) == **label)
                .count();
            seen += labels.len();
            total_loss += f64::from(value) * labels.len() as f64;
            task.tell(Event::Step { epoch: epoch + 1, done: seen, of, loss: value });
        }
        Ok(TrainPass {
            loss: total_loss / seen as f64,
            accuracy: correct as f64 / seen as f64,
            learning_rate,
            images_per_s: seen as f64 / began.elapsed().as_secs_f64(),
        })
    }

    /// Seeds the device's generator, which dropout draws from, at every step, so that a resumed run
    /// draws the same values.
    fn seed_dropout(&self, epoch: usize, step: usize) {
        if self.settings.drop_rate > 0.0 || self.settings.drop_path_rate > 0.0 {
            let bytes = stream_seed(self.settings.seed, "dropout", &[epoch as u64, step as u64]);
            let (first, _) = bytes.split_first_chunk::<8>().expect("32 bytes");
            self.device.seed(u64::from_le_bytes(*first));
        }
    }

    fn predict(
        &mut self,
        network: &Network,
        split: Split,
        what: &str,
        task: Task<'_>,
    ) -> Result<Vec<PredictionRecord>> {
        let photos = Arc::clone(self.setup.data.photos(split));
        let order = (0..photos.len()).collect();
        let batches = self.features.batches(network, Part::Eval(split), order, BATCH, task)?;
        let logits = batches.map(|batch| Ok(rows(self.features.infer(network, batch?.0))));
        collect(&photos, &self.setup.facts.class_names, logits, what, task)
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

    /// Evaluates the best epoch on the test photos, once, after the last epoch.
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
        let mut test = None;
        if !self.setup.data.photos(Split::Test).is_empty() {
            test = Some(self.predict(&network, Split::Test, "test", task)?);
        }
        if let Some(share) = self.settings.unknown_share {
            let data = &self.setup.data;
            learn_unknown(&self.run, &network, data, &self.settings, share, &self.device, task)?;
        }
        finish::finish_run(&self.run, test.as_deref())
    }
}

/// Steps per epoch.
pub(crate) fn steps_per_epoch(photos: usize, batch_size: usize) -> usize {
    photos_per_epoch(photos, batch_size).div_ceil(batch_size).max(1)
}

/// Training photos per epoch: all of them, except that a last batch of one photo is dropped. One
/// photo has no batch statistics to normalise by (PyTorch refuses it).
fn photos_per_epoch(photos: usize, batch_size: usize) -> usize {
    if photos > 1 && photos % batch_size == 1 { photos - 1 } else { photos }
}
