//! The resolved configuration of a run: everything that decides its result, as plain data.
//!
//! It is what runs, what is printed and what is saved as `config.toml`. Passed back with
//! `--config`, it reproduces the run.

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
    /// Pretrained weights: `arch.tag`, or the file or folder they were read from. `none` starts
    /// from random weights.
    pub weights: String,
    /// Folder with the photos.
    pub data_dir: String,
    /// What is trained.
    pub strategy: Strategy,
    /// timm name prefixes of the layers to train; empty for the strategy's own choice.
    pub unfreeze: Vec<String>,
    /// Seed of all random streams.
    pub seed: u64,
    /// Number of epochs.
    pub epochs: usize,
    /// Photos per step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate of the head, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_learning_rate: Option<f64>,
    /// Factor by which the learning rate shrinks from one stage to the one below, if used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_decay: Option<f64>,
    /// Epochs of linear warm-up at the start; the rate climbs at every step.
    pub warmup_epochs: f64,
    /// Label smoothing in [0, 1).
    pub label_smoothing: f64,
    /// Largest global norm of the gradient, if it is clipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Training stops after this many epochs without a better validation accuracy (or an equal
    /// accuracy with a lower loss).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Dropout before the classifier.
    pub drop_rate: f64,
    /// Stochastic depth of the last block; earlier ones have proportionally less.
    pub drop_path_rate: f64,
    /// How the new head is initialised.
    pub head_init: HeadInit,
    /// How classes are weighted in the loss.
    pub class_weights: ClassWeights,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The learning rate over time.
    pub scheduler: SchedulerKind,
    /// Augmentation of training photos.
    pub augmentation: Augmentation,
    /// Augmented views of each training photo through which the epochs cycle when a backbone is
    /// frozen. 0, also when the key is missing, draws a fresh view every epoch.
    #[serde(default)]
    pub feature_views: usize,
    /// Preprocessing of every photo, bound to the weights.
    pub preprocessing: Preprocessing,
    /// Facts recorded when the run began. Missing in a file written by hand; ignored when read with
    /// `--config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<RunFacts>,
}

/// How the weights and bias of a new head are initialised: uniformly within plus or minus a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadInit {
    /// Bound `1 / sqrt(fan_in)`, as in `nn.Linear` and `reset_classifier`.
    FanIn,
    /// timm's initialisation for the EfficientNet family: bound `1 / sqrt(classes)`, and no bias.
    /// Same as `FanIn` for other architectures.
    Timm,
}

/// How the classes are weighted in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All classes equally.
    None,
    /// `photos / (classes * photos of the class)`, scikit-learn's `balanced`.
    Balanced,
    /// Weights by class name.
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
        /// Whether to use Nesterov momentum.
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
        /// Factor on the learning rate at each reduction.
        factor: f64,
        /// Epochs without improvement that are tolerated.
        patience: usize,
        /// Lower bound of the learning rate.
        min_learning_rate: f64,
    },
    /// `CosineAnnealingLR` over all epochs, once an epoch.
    Cosine {
        /// Final learning rate.
        min_learning_rate: f64,
    },
    /// `StepLR`, once an epoch.
    Step {
        /// Epochs between two steps.
        step_size: usize,
        /// Factor on the learning rate at each step.
        gamma: f64,
    },
    /// `OneCycleLR` (cosine, two phases), once a batch, with the configured rate as the peak.
    OneCycle {
        /// Share of the steps in which the rate climbs.
        pct_start: f64,
        /// Peak rate divided by the first rate.
        div_factor: f64,
        /// First rate divided by the last rate.
        final_div_factor: f64,
    },
    /// A constant learning rate.
    Constant,
}

/// Facts recorded when a run began; they are not choices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// Class names, in the order of the logits.
    pub class_names: Vec<String>,
    /// Number of trained parameters.
    pub trainable_params: usize,
    /// Number of all parameters, without running statistics.
    pub total_params: usize,
    /// Names of the trained stages (timm prefixes).
    pub trained: Vec<String>,
    /// Number of photos in each split.
    pub photos: crate::SplitCounts,
    /// Device that training ran on.
    pub device: String,
    /// Folder of the cached frozen-backbone features, if they were cached. The cache only saves
    /// time; results are the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub feature_cache: String,
    /// The run that fine-tuned the starting weights, if they are Kennel's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub weights_run: String,
    /// Number of classes that share their name with a class of that run, if that run lists its
    /// classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_shared_classes: Option<usize>,
    /// Time when the run began: UTC, RFC 3339.
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

    /// Returns the recipe of the published study for one network and strategy, on photos in
    /// `data/processed`.
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

    /// Returns the facts recorded when the run began.
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

    /// Parses a configuration; errors name `path` as its file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| CoreError::Malformed {
            path: path.into(),
            what: "configuration",
            reason: error.to_string(),
        })
    }

    /// Writes `config.toml` to a temporary file and renames it into place.
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
