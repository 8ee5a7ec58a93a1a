//! What a run will do, checked before anything is written.

use kennel_core::{RunConfig, SchedulerKind, Split, SplitCounts, Strategy};
use kennel_models::{Network, is_under};

use crate::{Result, TrainError};

/// What is about to be done, for a person to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where the run lies.
    pub run: std::path::PathBuf,
    /// Architecture.
    pub model: String,
    /// Pretrained weights.
    pub weights: String,
    /// What is trained: prefixes of timm's names.
    pub trained: Vec<String>,
    /// Parameters that move.
    pub trainable_params: usize,
    /// All of them.
    pub total_params: usize,
    /// Class names in the order of the logits.
    pub class_names: Vec<String>,
    /// Photos of each split.
    pub photos: SplitCounts,
    /// Epochs in all.
    pub epochs: usize,
    /// Epochs that are finished already.
    pub finished_epochs: usize,
}

/// Prefixes of what a configuration trains.
///
/// # Errors
///
/// A prefix that names nothing, or a choice that leaves the classifier out.
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
/// [`TrainError::Hyperparameter`], naming the first that makes no sense.
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
    if let SchedulerKind::OneCycle { pct_start, div_factor, final_div_factor } = config.scheduler {
        share("pct_start", pct_start)?;
        positive("div_factor", div_factor)?;
        positive("final_div_factor", final_div_factor)?;
    }
    if let SchedulerKind::Plateau { factor, .. } = config.scheduler {
        check("plateau_factor", factor, factor > 0.0 && factor < 1.0, "a number in (0, 1)")?;
    }
    let a = &config.augmentation;
    probability("flip", a.flip)?;
    probability("erasing", a.erasing)?;
    check("rotation_deg", a.rotation_deg, (0.0..=180.0).contains(&a.rotation_deg), "degrees in [0, 180]")?;
    check("hue", a.hue, (0.0..=0.5).contains(&a.hue), "turns in [0, 0.5]")?;
    for (name, x) in [("brightness", a.brightness), ("contrast", a.contrast), ("saturation", a.saturation)] {
        not_negative(name, x)?;
    }
    let p = &config.preprocessing;
    check("side_px", f64::from(p.side_px), (32..=1024).contains(&p.side_px), "32 to 1024 pixels")?;
    check("crop_pct", p.crop_pct, p.crop_pct > 0.0 && p.crop_pct <= 1.0, "a number in (0, 1]")
}

/// Checks that there are photos to train and to choose on.
///
/// # Errors
///
/// [`TrainError::EmptySplit`].
pub fn check_splits(data: &std::path::Path, photos: SplitCounts) -> Result<()> {
    for (split, needed_for) in [(Split::Train, "training"), (Split::Val, "choosing the epoch")] {
        if photos.of(split) == 0 {
            return Err(TrainError::EmptySplit { path: data.into(), split, needed_for });
        }
    }
    Ok(())
}
