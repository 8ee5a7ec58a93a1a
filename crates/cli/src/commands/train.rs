//! `kennel train`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kennel_auto::{Rates, estimate_s, rehearse, resume, train};
use kennel_core::task::Event;
use kennel_core::{
    ClassWeights, PartialAugmentation, PartialCrop, PartialOptimizer, PartialPreprocessing,
    PartialScheduler, PartialSettings, RunDir, Settings, Task,
};
use kennel_infer::manifest_digest;
use kennel_metrics::{RunEvaluation, format_proportion};
use kennel_ranks::Ranks;
use kennel_report::{Curves, Finding, diagnose};
use kennel_train::{KeptFeatures, Rehearsal, TrainError, TrainOptions, Trained};
use serde::Serialize;

use crate::auto_table::{tell_choice, tell_plan};
use crate::cache::CacheArgs;
use crate::chosen_run::{RESUME, open_run};
use crate::data::{self, DataArg};
use crate::device::DeviceArg;
use crate::evaluation_report::out_of_fold;
use crate::failure::{CommandResult, Failure};
use crate::folders::RUNS_DIR;
use crate::hints::hint_did_you_mean;
use crate::lists::trimmed;
use crate::output::{Format, Level, print, print_json};
use crate::progress::{tell_photos, tell_trained};
use crate::resolve::{read_settings, resolve};
use crate::session::Session;
use crate::tensorboard::Watcher;
use crate::{interrupt, ranks};

const EXAMPLE: &str = "\
Examples:
  kennel train --model mobilenetv2_100
  kennel train --model mobilenetv2_100 --strategy freeze
  kennel train --model resnet50 --strategy full --learning-rate 3e-5 --augment rrc
  kennel train --model resnet50 --strategy full --augment rrc --auto-augment randaugment
  kennel train --model mobilenetv2_100 --strategy partial --folds 5
  kennel train --model mobilenetv2_100 --strategy full --search 8
  kennel train --model resnet50 --unfreeze layer4.2,fc --optimizer adamw --scheduler cosine
  kennel train --config runs/20260207_165541-resnet50-freeze-s42/config.toml --seed 43
  kennel train --resume runs/20260207_165541-resnet50-freeze-s42
  kennel train --resume runs/20260207_165541-resnet50-freeze-s42 --epochs 30
  kennel train --config recipes/resnet50-freeze.toml --dry-run > mine.toml

The defaults of the other strategies are the published recipe: batch 32, Adam, ReduceLROnPlateau, seed 42, light augmentation; learning \
rate 1e-3, 1e-4 or 1e-5 and 15, 15 or 20 epochs for freeze, partial and full.";

/// What can be said about a run. Every flag is a key of config.toml.
#[derive(Args)]
#[command(after_help = EXAMPLE, allow_negative_numbers = true)]
pub struct TrainArgs {
    /// Architecture by timm's name; `kennel models` lists them
    #[arg(long)]
    model: Option<String>,
    /// What to train: freeze (the classifier), partial (the last stages too), full, or auto, which
    /// tries them and keeps what validation says [default: auto; freeze with --unfreeze, --head,
    /// --folds or --search]
    #[arg(long)]
    strategy: Option<String>,
    /// Pretrained weights: a timm model folder, a run, a safetensors file, `arch.tag`, or `none`
    /// [default: timm's own]
    #[arg(long, value_name = "DIR|FILE|TAG", value_parser = NonEmptyStringValueParser::new())]
    weights: Option<String>,
    #[command(flatten)]
    data: DataArg,
    /// Folder of runs
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    runs: PathBuf,
    /// Read settings from a config.toml or a run; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Resume a stopped run, to the same result as if it had not stopped; with --epochs, train a
    /// finished run further
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "strategy", "weights", "data", "config"])]
    resume: Option<PathBuf>,
    /// Check everything (and download missing weights), print the plan and the resolved
    /// configuration, train nothing
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Write TensorBoard event files to RUN/tensorboard
    #[arg(long)]
    tensorboard: bool,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Augmented views of each training photo, whose features are cached; epochs cycle through
    /// them. 0 draws a new view in every epoch and caches nothing [default: 4]
    #[arg(long, value_name = "N", help_heading = "Frozen backbone")]
    feature_views: Option<u32>,
    #[command(flatten)]
    cache: CacheArgs,

    /// Learn to tell photos of none of the classes, such that this share of known photos is refused:
    /// 0.01 for one in a hundred
    #[arg(long, value_name = "SHARE", help_heading = "Unknown photos")]
    unknown_share: Option<f64>,

    /// Train exactly these parts: stages, blocks or prefixes of timm's names, such as layer4.2,fc
    #[arg(long, value_delimiter = ',', value_name = "PREFIX,...", value_parser = trimmed, help_heading = "Trainable parts")]
    unfreeze: Option<Vec<String>>,
    /// How the new classifier is fitted: gradient (by steps) or convex (exactly, on the frozen
    /// network's features; partial and full then begin with it)
    #[arg(long, help_heading = "Trainable parts")]
    head: Option<String>,
    /// Initialisation of the new classifier: fanin (as nn.Linear) or timm
    #[arg(long, help_heading = "Trainable parts")]
    head_init: Option<String>,
    /// Dropout before the classifier
    #[arg(long, value_name = "P", help_heading = "Trainable parts")]
    drop_rate: Option<f64>,
    /// Stochastic depth of the last block
    #[arg(long, value_name = "P", help_heading = "Trainable parts")]
    drop_path_rate: Option<f64>,

    /// Evaluate, predict and export at this side of the network's input in pixels, larger or
    /// smaller than in training, cropped as the weights are tested [default: the side of training]
    #[arg(long, value_name = "PIXELS", help_heading = "Evaluation")]
    test_side: Option<u32>,
    /// Average the logits of every photo and of its mirror image, in evaluation, prediction and the
    /// exported file, at twice the time
    #[arg(long, help_heading = "Evaluation")]
    test_flip: bool,

    /// Random seed
    #[arg(long, help_heading = "Optimisation")]
    seed: Option<u32>,
    /// Cross-validate in K folds: a network for each, then one on all training and validation
    /// photos, which is kept
    #[arg(long, value_name = "K", help_heading = "Optimisation")]
    folds: Option<u32>,
    /// Train again on training and validation photos, for as many epochs as were best; that network
    /// is kept
    #[arg(long, help_heading = "Optimisation")]
    refit: bool,
    /// Search learning rate, augmentation, layer decay and stochastic depth in N trials: the worse
    /// half is halted early, and the best on validation photos is kept
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    search: Option<u32>,
    /// Passes over the training photos
    #[arg(long, help_heading = "Optimisation")]
    epochs: Option<u32>,
    /// Photos per step
    #[arg(long, help_heading = "Optimisation")]
    batch_size: Option<u32>,
    /// Cut every batch into R shards, a power of two; each has its own BatchNorm statistics. 1, 2, 4
    /// .. R processes of `mpirun` or `srun` may share the run, and it ends with the same bytes
    /// [default: 1]
    #[arg(long, value_name = "R", help_heading = "Optimisation")]
    shards: Option<u32>,
    /// Peak learning rate
    #[arg(long, visible_alias = "lr", help_heading = "Optimisation")]
    learning_rate: Option<f64>,
    /// Learning rate of the classifier [default: --learning-rate]
    #[arg(long, value_name = "LEARNING_RATE", help_heading = "Optimisation")]
    head_learning_rate: Option<f64>,
    /// Factor of the learning rate from each block to the one below it
    #[arg(long, value_name = "FACTOR", help_heading = "Optimisation")]
    layer_decay: Option<f64>,
    /// adam, adamw or sgd
    #[arg(long, help_heading = "Optimisation")]
    optimizer: Option<String>,
    /// L2 penalty (adam, sgd) or decoupled decay (adamw)
    #[arg(long, value_name = "DECAY", help_heading = "Optimisation")]
    weight_decay: Option<f64>,
    /// Momentum of sgd
    #[arg(long, help_heading = "Optimisation")]
    momentum: Option<f64>,
    /// Nesterov momentum of sgd
    #[arg(long, help_heading = "Optimisation")]
    nesterov: bool,
    /// Decay rates of Adam's moments
    #[arg(long, value_delimiter = ',', value_name = "B1,B2", help_heading = "Optimisation")]
    betas: Option<Vec<f64>>,
    /// plateau, cosine, step, one_cycle or constant
    #[arg(long, help_heading = "Optimisation")]
    scheduler: Option<String>,
    /// Epochs of linear warmup
    #[arg(long, value_name = "EPOCHS", help_heading = "Optimisation")]
    warmup_epochs: Option<f64>,
    /// plateau: factor of a reduction
    #[arg(long, value_name = "FACTOR", help_heading = "Optimisation")]
    plateau_factor: Option<f64>,
    /// plateau: epochs without improvement before a reduction
    #[arg(long, value_name = "EPOCHS", help_heading = "Optimisation")]
    plateau_patience: Option<u32>,
    /// plateau, cosine: lowest learning rate
    #[arg(long, value_name = "LEARNING_RATE", help_heading = "Optimisation")]
    min_learning_rate: Option<f64>,
    /// step: epochs between reductions
    #[arg(long, value_name = "EPOCHS", help_heading = "Optimisation")]
    step_size: Option<u32>,
    /// step: factor of a reduction
    #[arg(long, value_name = "FACTOR", help_heading = "Optimisation")]
    gamma: Option<f64>,
    /// one_cycle: share of the steps with a rising rate
    #[arg(long, value_name = "SHARE", help_heading = "Optimisation")]
    pct_start: Option<f64>,
    /// Label smoothing
    #[arg(long, value_name = "SHARE", help_heading = "Optimisation")]
    label_smoothing: Option<f64>,
    /// Class weights of the loss: none, balanced, or beagle=2,boxer=1,...
    #[arg(long, help_heading = "Optimisation")]
    class_weights: Option<String>,
    /// Clip the gradient to this global norm
    #[arg(long, value_name = "NORM", help_heading = "Optimisation")]
    gradient_clip: Option<f64>,
    /// Validate and keep a moving average of the weights with this decay, such as 0.999; early steps
    /// use a lower one (timm's ModelEmaV3 with warmup)
    #[arg(long, value_name = "DECAY", help_heading = "Optimisation")]
    ema: Option<f64>,
    /// Keep the statistics of every BatchNorm and normalise with them, as PyTorch's bn.eval(); scales
    /// and shifts are still trained
    #[arg(long, help_heading = "Optimisation")]
    freeze_norm: bool,
    /// Leave normalisations, biases, tokens and position embeddings out of weight decay, as timm
    #[arg(long, help_heading = "Optimisation")]
    no_norm_decay: bool,
    /// Validation number that chooses the best epoch: accuracy or loss [default: accuracy]
    #[arg(long, value_name = "NUMBER", help_heading = "Optimisation")]
    choose_by: Option<String>,
    /// auto: time that it may take, such as 10m or 1h30m; what pays most is tried first
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "Optimisation")]
    budget: Option<f64>,
    /// Stop after this many epochs without improvement
    #[arg(long, value_name = "EPOCHS", help_heading = "Optimisation")]
    early_stopping: Option<u32>,

    /// Set of augmentations: light, rrc or none [default: light]; each part has its own flag too
    #[arg(long, value_name = "SET", help_heading = "Augmentation")]
    augment: Option<String>,
    /// Operations drawn for each photo: randaugment, trivialaugment (the wide one), autoaugment
    /// (ImageNet's) or none; in place of the set's rotation and jitter
    #[arg(long, value_name = "POLICY", help_heading = "Augmentation")]
    auto_augment: Option<String>,
    /// randaugment: operations for each photo [default: 2]
    #[arg(long, value_name = "N", help_heading = "Augmentation")]
    randaugment_ops: Option<u32>,
    /// randaugment: magnitude of the operations, 0 to 30 [default: 9]
    #[arg(long, value_name = "M", help_heading = "Augmentation")]
    randaugment_magnitude: Option<u32>,
    /// center, random or random_resized
    #[arg(long, help_heading = "Augmentation")]
    crop: Option<String>,
    /// random_resized: bounds of the area
    #[arg(long, value_delimiter = ',', value_name = "LOW,HIGH", help_heading = "Augmentation")]
    crop_scale: Option<Vec<f64>>,
    /// random_resized: bounds of width over height
    #[arg(long, value_delimiter = ',', value_name = "LOW,HIGH", help_heading = "Augmentation")]
    crop_ratio: Option<Vec<f64>>,
    /// Probability of a horizontal flip
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    flip: Option<f64>,
    /// Largest rotation, in degrees
    #[arg(long, value_name = "DEGREES", help_heading = "Augmentation")]
    rotation: Option<f64>,
    /// Jitter of brightness
    #[arg(long, value_name = "RANGE", help_heading = "Augmentation")]
    brightness: Option<f64>,
    /// Jitter of contrast
    #[arg(long, value_name = "RANGE", help_heading = "Augmentation")]
    contrast: Option<f64>,
    /// Jitter of saturation
    #[arg(long, value_name = "RANGE", help_heading = "Augmentation")]
    saturation: Option<f64>,
    /// Jitter of hue, at most 0.5
    #[arg(long, value_name = "TURNS", help_heading = "Augmentation")]
    hue: Option<f64>,
    /// Probability of erasing a rectangle
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    erasing: Option<f64>,
    /// Blend photos and their labels in pairs (MixUp), with shares from Beta(ALPHA, ALPHA), such as
    /// 0.8
    #[arg(long, value_name = "ALPHA", help_heading = "Augmentation")]
    mixup: Option<f64>,
    /// Paste a square of one photo into another and mix their labels (CutMix), with shares from
    /// Beta(ALPHA, ALPHA), such as 1.0; with --mixup a batch gets one of the two
    #[arg(long, value_name = "ALPHA", help_heading = "Augmentation")]
    cutmix: Option<f64>,
    /// Probability that a batch is mixed [default: 1]
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    mixup_prob: Option<f64>,
    /// Probability of CutMix, where both are used [default: 0.5]
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    mixup_switch_prob: Option<f64>,
    /// Mix in this many first epochs only; 0 mixes in all [default: 0]
    #[arg(long, value_name = "EPOCHS", help_heading = "Augmentation")]
    mixup_off_epoch: Option<u32>,
    /// Side of the network's input in pixels [default: the weights' own]
    #[arg(long, value_name = "PIXELS", help_heading = "Augmentation")]
    side: Option<u32>,
    /// Photos that are not square: center resizes the short side, squash both, border the long one
    /// [default: the weights' own]
    #[arg(long, value_name = "MODE", help_heading = "Augmentation")]
    crop_mode: Option<String>,
}

/// JSON output of a training.
#[derive(Serialize)]
struct Report<'a> {
    run: String,
    evaluation: &'a RunEvaluation,
}

/// Trains a new run, or resumes one, in this process or in those of a launcher.
pub fn run(args: TrainArgs, session: &Session) -> CommandResult {
    let ranks = ranks::join()?;
    ranks::together(&ranks, session, |session| run_as(&ranks, args, session))
}

fn run_as(ranks: &Arc<Ranks>, args: TrainArgs, session: &Session) -> CommandResult {
    let watcher = Watcher::new(args.tensorboard && ranks.is_first(), session);
    let on = |event: Event<'_>| watcher.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    if !args.dry_run {
        interrupt::resumes_with("`kennel train --resume RUN`");
    }
    let mut options = TrainOptions {
        cache: Some(args.cache.options()),
        ranks: Arc::clone(ranks),
        ..TrainOptions::new(args.device.open(session)?)
    };
    let trained = match &args.resume {
        Some(path) => {
            let run = open_run(RESUME, path, &args.runs)?;
            let others = PartialSettings { epochs: None, ..args.flags()? };
            if others != PartialSettings::default() {
                return Err(Failure::Usage(
                    "--resume continues with the run's own configuration and accepts only --epochs\n\
                     hint: to change more, start a new run with --config RUN/config.toml"
                        .into(),
                ));
            }
            detail!(session, "{}", toml_of(&run.read_record()?)?.trim_end());
            resume(run, args.epochs.map(|epochs| epochs as usize), &options, task)
        }
        None => {
            let settings = args.resolve(session)?;
            settings.check().map_err(TrainError::from)?;
            let data = data::open(Path::new(&settings.data_dir), session)?;
            options.data = Some(data.clone());
            if args.dry_run && !ranks.is_first() {
                return Ok(());
            }
            if args.dry_run {
                return dry_run(&settings, &options, task, args.format, session);
            }
            detail!(session, "{}", toml_of(&settings)?.trim_end());
            tell_plan(&settings, session);
            tell_same(&settings, &manifest_digest(&data)?, &args.runs, session);
            train(&settings, &args.runs, &options, task)
        }
    };
    drop(watcher);
    match trained {
        Ok(_) if !ranks.is_first() => Ok(()),
        Ok(Trained { run, evaluation }) => {
            tell_choice(&run, session)?;
            tell_diagnosis(&run, session)?;
            report(&run, &evaluation, args.format)
        }
        Err(TrainError::Interrupted { run, epochs }) => {
            let run = kennel_core::quoted(&run.path().to_string_lossy());
            shout!("stopped {}\nhint: kennel train --resume {run}", interrupt::after(epochs));
            Err(Failure::Interrupted(""))
        }
        Err(error) => Err(error.into()),
    }
}

/// Prints a note if a finished run has the same settings and photos: a user who repeats a
/// command may have meant to change something.
fn tell_same(settings: &Settings, photos: &str, runs: &Path, session: &Session) {
    let is_same = |run: &&RunDir| {
        run.is_finished()
            && run.read_record().is_ok_and(|record| record.is_repeated_by(settings, photos, None))
    };
    // A run that cannot be read is reported by the commands that read it.
    if let Some(run) = RunDir::list(runs).unwrap_or_default().iter().rev().find(is_same) {
        say!(
            session,
            "note: {} has the same settings, seed and photos: this one ends the same",
            run.path().display()
        );
    }
}

/// Prints a note about the training curves, unless they have converged.
fn tell_diagnosis(run: &RunDir, session: &Session) -> CommandResult {
    // A zero-shot run has no metrics.
    if !run.metrics().exists() {
        return Ok(());
    }
    let record = run.read_record()?;
    let classes = record.facts.class_names.len();
    let curves = Curves::of(&run.read_metrics()?, record.settings.label_smoothing, classes);
    if let Some(found) =
        diagnose(&curves, classes).filter(|found| found.finding != Finding::Converged)
    {
        say!(session, "note: {}", found.sentence);
    }
    Ok(())
}

/// Prints the plan and the resolved settings.
fn dry_run(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
    format: Format,
    session: &Session,
) -> CommandResult {
    let Rehearsal { facts, steps_per_epoch, kept_features } = rehearse(settings, options, task)?;
    tell_plan(settings, session);
    say!(session, "model      {} from {}", settings.model, settings.weights);
    tell_trained(&facts.trained, facts.trainable_params, facts.total_params, session);
    tell_photos(facts.photos, &facts.class_names, session);
    say!(
        session,
        "epochs     {} of {steps_per_epoch} steps, batch {}",
        settings.epochs,
        settings.batch_size
    );
    if let Some(KeptFeatures { passes, of, .. }) = kept_features {
        say!(
            session,
            "features   {passes} of {of} passes through the frozen part are kept already"
        );
    }
    if session.prints(Level::Normal) {
        let kept = kept_features.map_or(0, |kept| kept.photos);
        let seconds =
            estimate_s(settings, facts.photos, kept, &mut Rates::default(), &options.compute)?;
        let about = kennel_core::duration(seconds.max(1.0));
        say!(session, "takes      about {about}, the reading of photos not counted");
    }
    match format {
        Format::Json => print_json(settings),
        Format::Table => print(&toml_of(settings)?),
    }
}

/// Renders settings, or the record of a run, as `config.toml`.
pub fn toml_of(settings: &impl Serialize) -> Result<String, Failure> {
    toml::to_string(settings).map_err(|error| Failure::Failed(error.to_string()))
}

fn report(run: &RunDir, evaluation: &RunEvaluation, format: Format) -> CommandResult {
    if format == Format::Json {
        return print_json(&Report { run: run.path().display().to_string(), evaluation });
    }
    let mut text = format!("run   {}\n", run.path().display());
    if let Some(all) = &evaluation.out_of_fold {
        text += &format!("{}\n", out_of_fold(run, all)?);
    }
    if let Some(epoch) = evaluation.best_epoch {
        let name = if evaluation.out_of_fold.is_some() { "last" } else { "best" };
        text += &format!("{name}  epoch {epoch}\n");
    }
    for (name, split) in [("val", &evaluation.val), ("test", &evaluation.test)] {
        if let Some(split) = split {
            text += &format!("{name:<5} {}\n", format_proportion(&split.accuracy));
        }
    }
    print(&text)
}

impl TrainArgs {
    /// Resolves the settings of a new run.
    fn resolve(&self, session: &Session) -> Result<Settings, Failure> {
        let file = self.config.as_deref().map(read_settings).transpose()?.unwrap_or_default();
        resolve(self.data.around(file).layered(self.flags()?), session)
    }

    /// Returns the given flags as settings.
    fn flags(&self) -> Result<PartialSettings, Failure> {
        Ok(PartialSettings {
            model: self.model.clone(),
            strategy: parsed(&self.strategy)?,
            weights: self.weights.as_deref().map(Into::into),
            data_dir: None,
            unfreeze: self.unfreeze.clone(),
            head: parsed(&self.head)?,
            head_init: parsed(&self.head_init)?,
            drop_rate: self.drop_rate,
            drop_path_rate: self.drop_path_rate,
            seed: self.seed.map(u64::from),
            folds: count(self.folds),
            refit: self.refit.then_some(true),
            search: count(self.search),
            epochs: count(self.epochs),
            batch_size: count(self.batch_size),
            shards: count(self.shards),
            learning_rate: self.learning_rate,
            head_learning_rate: self.head_learning_rate,
            layer_decay: self.layer_decay,
            optimizer: PartialOptimizer {
                name: parsed(&self.optimizer)?,
                betas: pair("betas", &self.betas)?,
                eps: None,
                momentum: self.momentum,
                nesterov: self.nesterov.then_some(true),
                weight_decay: self.weight_decay,
            },
            scheduler: PartialScheduler {
                name: parsed(&self.scheduler)?,
                factor: self.plateau_factor,
                patience: count(self.plateau_patience),
                min_learning_rate: self.min_learning_rate,
                step_size: count(self.step_size),
                gamma: self.gamma,
                pct_start: self.pct_start,
                ..PartialScheduler::default()
            },
            warmup_epochs: self.warmup_epochs,
            label_smoothing: self.label_smoothing,
            mixup: self.mixup,
            cutmix: self.cutmix,
            mixup_prob: self.mixup_prob,
            mixup_switch_prob: self.mixup_switch_prob,
            mixup_off_epoch: count(self.mixup_off_epoch),
            class_weights: self.class_weights.as_deref().map(class_weights).transpose()?,
            gradient_clip: self.gradient_clip,
            ema: self.ema,
            freeze_norm: self.freeze_norm.then_some(true),
            no_norm_decay: self.no_norm_decay.then_some(true),
            choose_by: parsed(&self.choose_by)?,
            budget_s: self.budget,
            early_stopping: count(self.early_stopping),
            augment: parsed(&self.augment)?,
            augmentation: PartialAugmentation {
                flip: self.flip,
                rotation_deg: self.rotation,
                brightness: self.brightness,
                contrast: self.contrast,
                saturation: self.saturation,
                hue: self.hue,
                erasing: self.erasing,
                policy: parsed(&self.auto_augment)?,
                randaugment_ops: self.randaugment_ops,
                randaugment_magnitude: self.randaugment_magnitude,
                crop: PartialCrop {
                    kind: parsed(&self.crop)?,
                    scale: pair("crop-scale", &self.crop_scale)?,
                    ratio: pair("crop-ratio", &self.crop_ratio)?,
                    resize_ratio: None,
                },
            },
            feature_views: count(self.feature_views),
            unknown_share: self.unknown_share,
            test_side_px: self.test_side,
            test_crop_pct: None,
            test_flip: self.test_flip.then_some(true),
            preprocessing: PartialPreprocessing {
                side_px: self.side,
                crop_mode: parsed(&self.crop_mode)?,
                ..PartialPreprocessing::default()
            },
        })
    }
}

/// Parses `10m` or `1h30m` into seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let time: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a time such as 90s, 10m or 1h30m".to_string())?;
    Ok(time.as_secs_f64())
}

fn count(flag: Option<u32>) -> Option<usize> {
    flag.map(|count| count as usize)
}

fn parsed<T: FromStr>(flag: &Option<String>) -> Result<Option<T>, T::Err> {
    flag.as_deref().map(str::parse).transpose()
}

fn pair(flag: &str, values: &Option<Vec<f64>>) -> Result<Option<[f64; 2]>, Failure> {
    let two = |values: &Vec<f64>| values.as_slice().try_into();
    values.as_ref().map(two).transpose().map_err(|_| {
        Failure::Usage(format!("--{flag} takes two numbers with a comma between them"))
    })
}

/// Parses `none`, `balanced` or `name=weight,...`.
fn class_weights(text: &str) -> Result<ClassWeights, Failure> {
    match text {
        "none" => Ok(ClassWeights::None),
        "balanced" => Ok(ClassWeights::Balanced),
        list => {
            let parse = |pair: &str| -> Option<(String, f64)> {
                let (name, weight) = pair.rsplit_once('=')?;
                Some((name.trim().to_string(), weight.trim().parse().ok()?))
            };
            let given: Option<BTreeMap<_, _>> = list.split(',').map(parse).collect();
            given.map(ClassWeights::Given).ok_or_else(|| {
                let hint = hint_did_you_mean(text, ["none", "balanced"]);
                Failure::Usage(format!(
                    "--class-weights {text}: expected none, balanced, or pairs such as \
                     beagle=2,boxer=1{hint}"
                ))
            })
        }
    }
}
