//! The resolved configuration of a run: everything that decides its result, as plain data.
//!
//! It is what runs, what is printed and what is saved as `config.toml`; given back with `--config` it reproduces the run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Augmentation, CoreError, Preprocessing, Result, Strategy, files};

/// Everything that decides a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Architecture by timm's name: `resnet50`.
    pub model: String,
    /// Pretrained weights: `arch.tag`, or the file or folder they were read from. `none` starts from random weights.
    pub weights: String,
    /// Folder with the photos.
    pub data_dir: String,
    /// What is trained.
    pub strategy: Strategy,
    /// timm name prefixes that are trained instead of the strategy's own choice; empty for the strategy's own.
    pub unfreeze: Vec<String>,
    /// Seed of every stream of chance.
    pub seed: u64,
    /// Number of epochs.
    pub epochs: usize,
    /// Photos per step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate of the head, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_learning_rate: Option<f64>,
    /// Factor of the learning rate from one stage to the stage below it, where it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_decay: Option<f64>,
    /// Epochs over which the rate first climbs, linearly, a step at a time.
    pub warmup_epochs: f64,
    /// Label smoothing in [0, 1).
    pub label_smoothing: f64,
    /// Largest global norm of the gradient, where it is clipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Epochs without a better validation accuracy (or equal accuracy and lower loss) after which training stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Dropout before the classifier.
    pub drop_rate: f64,
    /// Stochastic depth of the last block; earlier ones have proportionally less.
    pub drop_path_rate: f64,
    /// How the new head is drawn.
    pub head_init: HeadInit,
    /// How classes are weighted in the loss.
    pub class_weights: ClassWeights,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The learning rate over time.
    pub scheduler: SchedulerKind,
    /// Variation of training photos.
    pub augmentation: Augmentation,
    /// Augmented views of each training photo through which the epochs cycle where a trunk is frozen; 0 draws a fresh one
    /// every epoch, as a configuration that does not say does.
    #[serde(default)]
    pub feature_views: usize,
    /// Preparation of every photo, bound to the weights.
    pub preprocessing: Preprocessing,
    /// What was found when the run began; absent in a file written by hand, ignored when read with `--config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<RunFacts>,
}

/// How the weights and bias of a new head are drawn, uniformly within plus or minus a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadInit {
    /// `1 / sqrt(fan_in)`, as `nn.Linear` and `reset_classifier`.
    FanIn,
    /// timm's own start of the EfficientNet family: `1 / sqrt(classes)` and no bias. Elsewhere as `FanIn`.
    Timm,
}

/// How the classes are weighted in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All alike.
    None,
    /// `photos / (classes * photos of the class)`, as scikit-learn's `balanced`.
    Balanced,
    /// By class name.
    #[serde(untagged)]
    Given(BTreeMap<String, f64>),
}

/// An optimiser, with PyTorch's names and definitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Kingma and Ba 2015; weight decay is added to the gradient.
    Adam {
        /// Decay rates of the first and second moment.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty.
        weight_decay: f64,
    },
    /// Loshchilov and Hutter 2019; weight decay shrinks the weight itself.
    AdamW {
        /// Decay rates of the first and second moment.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// Decoupled decay, times the learning rate.
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum (no dampening).
    Sgd {
        /// Decay rate of the velocity.
        momentum: f64,
        /// Whether to look ahead.
        nesterov: bool,
        /// L2 penalty.
        weight_decay: f64,
    },
}

/// The learning rate over time, with the names and definitions of `torch.optim.lr_scheduler`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum SchedulerKind {
    /// `ReduceLROnPlateau` on the validation loss (relative threshold 1e-4), once an epoch.
    Plateau {
        /// The rate is multiplied by this.
        factor: f64,
        /// Bad epochs that are forgiven.
        patience: usize,
        /// The rate never falls below this.
        min_learning_rate: f64,
    },
    /// `CosineAnnealingLR` over all epochs, once an epoch.
    Cosine {
        /// The rate at the end.
        min_learning_rate: f64,
    },
    /// `StepLR`, once an epoch.
    Step {
        /// Epochs between two steps.
        step_size: usize,
        /// Factor of each.
        gamma: f64,
    },
    /// `OneCycleLR` (cosine, two phases), once a batch, with the configured rate as the peak.
    OneCycle {
        /// Share of the steps that climb.
        pct_start: f64,
        /// Peak over the first rate.
        div_factor: f64,
        /// First rate over the last.
        final_div_factor: f64,
    },
    /// The same rate throughout.
    Constant,
}

/// What was found when a run began: recorded, not chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// Class names, in the order of the logits.
    pub class_names: Vec<String>,
    /// Parameters that are trained, and all of them.
    pub trainable_params: usize,
    /// Parameters in all (running statistics not counted).
    pub total_params: usize,
    /// Names of the stages (timm prefixes) that were trained.
    pub trained: Vec<String>,
    /// Photos in each split.
    pub photos: crate::SplitCounts,
    /// Where training ran.
    pub device: String,
    /// Where what the frozen part makes of the photos was kept, if it was; it changes nothing but the time.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub feature_cache: String,
    /// The run that its weights were fine-tuned in, where they are Kennel's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub weights_run: String,
    /// How many of the classes are, by name, among those that that run was trained on, where it says which those are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_shared_classes: Option<usize>,
    /// When it began, UTC, RFC 3339.
    pub started: String,
    /// Version of Kennel.
    pub kennel_version: String,
    /// Version of Burn.
    pub burn_version: String,
    /// SHA-256 of the pretrained weights' file.
    pub weights_sha256: String,
    /// SHA-256 of `manifest.json`.
    pub manifest_sha256: String,
    /// Processor and operating system.
    pub machine: String,
}

impl HeadInit {
    /// Its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            HeadInit::FanIn => "fanin",
            HeadInit::Timm => "timm",
        }
    }
}

impl fmt::Display for HeadInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl OptimizerConfig {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            OptimizerConfig::Adam { .. } => "adam",
            OptimizerConfig::AdamW { .. } => "adamw",
            OptimizerConfig::Sgd { .. } => "sgd",
        }
    }
}

impl SchedulerKind {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            SchedulerKind::Plateau { .. } => "plateau",
            SchedulerKind::Cosine { .. } => "cosine",
            SchedulerKind::Step { .. } => "step",
            SchedulerKind::OneCycle { .. } => "one_cycle",
            SchedulerKind::Constant => "constant",
        }
    }
}

impl RunConfig {
    /// Its file name in a run directory.
    pub const FILE_NAME: &'static str = "config.toml";

    /// The recipe of the published study for one network and strategy, on photos in `data/processed`.
    pub fn published(
        model: String,
        weights: String,
        strategy: Strategy,
        preprocessing: Preprocessing,
    ) -> Self {
        Self {
            model,
            weights,
            data_dir: "data/processed".into(),
            strategy,
            unfreeze: Vec::new(),
            seed: 42,
            epochs: strategy.epochs(),
            batch_size: 32,
            learning_rate: strategy.learning_rate(),
            head_learning_rate: None,
            layer_decay: None,
            warmup_epochs: 0.0,
            label_smoothing: 0.0,
            gradient_clip: None,
            early_stopping: None,
            drop_rate: 0.0,
            drop_path_rate: 0.0,
            head_init: HeadInit::FanIn,
            class_weights: ClassWeights::None,
            optimizer: OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 },
            scheduler: SchedulerKind::Plateau { factor: 0.1, patience: 3, min_learning_rate: 0.0 },
            augmentation: Augmentation::default(),
            feature_views: 4,
            preprocessing,
            facts: None,
        }
    }

    /// What was found when the run began.
    ///
    /// # Errors
    ///
    /// [`CoreError::Malformed`] when `config.toml` was written by hand and lacks `[facts]`.
    pub fn facts(&self, path: &Path) -> Result<&RunFacts> {
        self.facts.as_ref().ok_or_else(|| CoreError::Malformed {
            path: path.into(),
            what: "configuration of a run",
            reason: "it has no [facts] table".into(),
        })
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] or [`CoreError::Malformed`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&files::read_text(path)?, path)
    }

    /// The configuration of a text, which errors call `path`.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| CoreError::Malformed {
            path: path.into(),
            what: "configuration",
            reason: error.to_string(),
        })
    }

    /// Writes `config.toml`, beside and renamed.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|error| CoreError::Malformed {
            path: path.into(),
            what: "configuration",
            reason: error.to_string(),
        })?;
        files::write_atomically(path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Interpolation;

    fn config() -> RunConfig {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        RunConfig {
            unfreeze: vec!["layer4.2".into()],
            head_learning_rate: Some(1e-2),
            early_stopping: Some(3),
            ..RunConfig::published("resnet50".into(), "a1_in1k".into(), Strategy::Freeze, preprocessing)
        }
    }

    #[test]
    fn every_choice_survives_the_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let given = ClassWeights::Given(BTreeMap::from([("a b".to_string(), 2.0)]));
        let class_weights = [ClassWeights::None, ClassWeights::Balanced, given];
        let schedulers = [
            SchedulerKind::Constant,
            SchedulerKind::Plateau { factor: 0.1, patience: 3, min_learning_rate: 0.0 },
            SchedulerKind::OneCycle { pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 },
        ];
        for (class_weights, scheduler) in class_weights.into_iter().zip(schedulers) {
            let facts = Some(RunFacts { class_names: vec!["a".into()], ..RunFacts::default() });
            let written = RunConfig { class_weights, scheduler, facts, ..config() };
            written.write(&path).unwrap();
            assert_eq!(RunConfig::read(&path).unwrap(), written);
        }
    }

    #[test]
    fn a_mistyped_key_is_named_at_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let text = toml::to_string(&config()).unwrap();
        for (right, wrong) in
            [("seed", "sede"), ("betas", "beta"), ("flip", "flop"), ("crop_pct", "crop_pkt")]
        {
            std::fs::write(&path, text.replacen(&format!("{right} ="), &format!("{wrong} ="), 1)).unwrap();
            let error = RunConfig::read(&path).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
