//! Plans a run and checks its configuration before anything is written.

use std::path::Path;

use kennel_core::{
    Crop, OptimizerConfig, Preprocessing, RunConfig, SchedulerKind, Split, SplitCounts, Strategy,
};
use kennel_infer::InferError;
use kennel_models::{Network, is_under};

use crate::{Result, TrainError};

/// Summary of a run for the user, shown before it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The run's directory.
    pub run: std::path::PathBuf,
    /// Architecture.
    pub model: String,
    /// Pretrained weights.
    pub weights: String,
    /// Prefixes of timm's names of the trained tensors.
    pub trained: Vec<String>,
    /// Number of trainable parameters.
    pub trainable_params: usize,
    /// Number of all parameters.
    pub total_params: usize,
    /// Class names in the order of the logits.
    pub class_names: Vec<String>,
    /// Photos of each split.
    pub photos: SplitCounts,
    /// Epochs in all.
    pub epochs: usize,
    /// Epochs that are already finished.
    pub finished_epochs: usize,
    /// Whether epochs train on cached features, as long as the cache has room, instead of on the
    /// photos.
    pub keeps_features: bool,
}

/// Returns the name prefixes of the tensors that a configuration trains.
///
/// # Errors
///
/// A prefix that matches no tensor, or a selection without the classifier.
pub fn trained_parts(network: &Network, config: &RunConfig) -> Result<Vec<String>> {
    let head = network.head().to_string();
    if !config.unfreeze.is_empty() {
        network.check_parts(&config.model, &config.unfreeze)?;
        if !config.unfreeze.iter().any(|prefix| is_under(&head, prefix)) {
            let with_head = format!("{},{head}", config.unfreeze.join(","));
            return Err(TrainError::HeadNotTrained { head, with_head });
        }
        return Ok(config.unfreeze.clone());
    }
    Ok(match config.strategy {
        Strategy::Freeze => vec![head],
        Strategy::Partial => network.partial(),
        Strategy::Full => network.stages().into_iter().flat_map(|stage| stage.prefixes).collect(),
        Strategy::ZeroShot => Vec::new(),
    })
}

/// Checks every hyperparameter that has bounds.
///
/// # Errors
///
/// [`TrainError::Hyperparameter`] for the first value that is out of bounds.
pub fn check_hyperparameters(config: &RunConfig) -> Result<()> {
    let check = |name: &'static str, found: f64, fits: bool, expected: &'static str| {
        if fits && found.is_finite() {
            return Ok(());
        }
        Err(TrainError::Hyperparameter { name, found: found.to_string(), expected })
    };
    let share = |name, x: f64| check(name, x, (0.0..1.0).contains(&x), "a number in [0, 1)");
    let positive = |name, x: f64| check(name, x, x > 0.0, "a positive number");
    let probability = |name, x: f64| check(name, x, (0.0..=1.0).contains(&x), "a probability in [0, 1]");
    let not_negative = |name, x: f64| check(name, x, x >= 0.0, "0 or more");
    positive("learning_rate", config.learning_rate)?;
    if let Some(rate) = config.head_learning_rate {
        positive("head_learning_rate", rate)?;
    }
    if let Some(decay) = config.layer_decay {
        check("layer_decay", decay, decay > 0.0 && decay <= 1.0, "a number in (0, 1]")?;
    }
    if let Some(norm) = config.gradient_clip {
        positive("gradient_clip", norm)?;
    }
    positive("epochs", config.epochs as f64)?;
    positive("batch_size", config.batch_size as f64)?;
    if let Some(patience) = config.early_stopping {
        positive("early_stopping", patience as f64)?;
    }
    share("label_smoothing", config.label_smoothing)?;
    share("drop_rate", config.drop_rate)?;
    share("drop_path_rate", config.drop_path_rate)?;
    not_negative("warmup_epochs", config.warmup_epochs)?;
    match config.optimizer {
        OptimizerConfig::Adam { betas, eps, weight_decay }
        | OptimizerConfig::AdamW { betas, eps, weight_decay } => {
            share("betas", betas[0])?;
            share("betas", betas[1])?;
            positive("eps", eps)?;
            not_negative("weight_decay", weight_decay)?;
        }
        OptimizerConfig::Sgd { momentum, weight_decay, .. } => {
            share("momentum", momentum)?;
            not_negative("weight_decay", weight_decay)?;
        }
    }
    let lowest = |rate: f64| {
        let fits = (0.0..=config.learning_rate).contains(&rate);
        check("min_learning_rate", rate, fits, "0 or more, and at most the learning rate")
    };
    match config.scheduler {
        SchedulerKind::Plateau { factor, min_learning_rate, .. } => {
            check("plateau_factor", factor, factor > 0.0 && factor < 1.0, "a number in (0, 1)")?;
            lowest(min_learning_rate)?;
        }
        SchedulerKind::Cosine { min_learning_rate } => lowest(min_learning_rate)?,
        SchedulerKind::Step { step_size, gamma } => {
            positive("step_size", step_size as f64)?;
            check("gamma", gamma, gamma > 0.0 && gamma <= 1.0, "a number in (0, 1]")?;
        }
        SchedulerKind::OneCycle { pct_start, div_factor, final_div_factor } => {
            share("pct_start", pct_start)?;
            positive("div_factor", div_factor)?;
            positive("final_div_factor", final_div_factor)?;
        }
        SchedulerKind::Constant => {}
    }
    let a = &config.augmentation;
    probability("flip", a.flip)?;
    probability("erasing", a.erasing)?;
    check("rotation_deg", a.rotation_deg, (0.0..=180.0).contains(&a.rotation_deg), "degrees in [0, 180]")?;
    check("hue", a.hue, (0.0..=0.5).contains(&a.hue), "turns in [0, 0.5]")?;
    for (name, x) in [("brightness", a.brightness), ("contrast", a.contrast), ("saturation", a.saturation)] {
        check(name, x, (0.0..=10.0).contains(&x), "a range in [0, 10]")?;
    }
    match a.crop {
        Crop::Center => {}
        Crop::Random { resize_ratio: ratio } => {
            check("resize_ratio", ratio, (1.0..=4.0).contains(&ratio), "a number in [1, 4]")?;
        }
        Crop::RandomResized { scale: [small, large], ratio: [narrow, wide] } => {
            let fits = small > 0.0 && small <= large && large <= 1.0;
            check("crop_scale", small, fits, "two shares in (0, 1], the smaller first")?;
            let fits = narrow > 0.0 && narrow <= wide && wide.is_finite();
            check("crop_ratio", narrow, fits, "two positive numbers, the smaller first")?;
        }
    }
    check_preprocessing(&config.preprocessing)
}

/// Checks the preprocessing, which may come from a file that users can edit.
///
/// # Errors
///
/// [`TrainError::Hyperparameter`] for the first value that is out of bounds.
pub fn check_preprocessing(preprocessing: &Preprocessing) -> Result<()> {
    match preprocessing.problem() {
        None => Ok(()),
        Some((name, found, expected)) => Err(TrainError::Hyperparameter { name, found, expected }),
    }
}

/// Checks that there are training and validation photos.
///
/// # Errors
///
/// [`InferError::EmptySplit`].
pub fn check_splits(data: &Path, photos: SplitCounts) -> Result<()> {
    for (split, needed_for) in [(Split::Train, "training"), (Split::Val, "choosing the epoch")] {
        if photos.of(split) == 0 {
            return Err(InferError::nothing_to_train_on(data, split, needed_for).into());
        }
    }
    Ok(())
}
