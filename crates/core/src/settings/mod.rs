//! The settings of a run: everything that decides its result, as plain data.

mod check;
mod choose_by;
mod error;
mod head;
mod mixing;
mod optimizer;
mod partial;
mod scheduler;
mod shards;
mod test_view;
mod weights;

use std::ops::Not;

use serde::{Deserialize, Serialize};

use crate::{Augmentation, AugmentationSet, Method, Preprocessing, Strategy};

pub use choose_by::ChooseBy;
pub use error::{OutOfBounds, SettingsError};
pub use head::{ClassWeights, HeadFit, HeadInit};
pub use mixing::Mixing;
pub use optimizer::OptimizerConfig;
pub use partial::{
    PartialAugmentation, PartialCrop, PartialOptimizer, PartialPreprocessing, PartialScheduler,
    PartialSettings,
};
pub use scheduler::SchedulerKind;
pub use test_view::TestView;
pub use weights::Weights;

/// Everything that decides the result of a run. [`Settings::published`] has the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Architecture by timm's name: `resnet50`.
    pub model: String,
    /// The weights that the network starts from.
    pub weights: Weights,
    /// Folder with the photos.
    pub data_dir: String,
    /// What the run does.
    #[serde(rename = "strategy")]
    pub method: Method,
    /// timm name prefixes of the layers to train; empty for the strategy's own choice.
    pub unfreeze: Vec<String>,
    /// Seed of all random streams.
    pub seed: u64,
    /// Number of folds, if the run is cross-validated: a network for each fold, trained without it,
    /// and then one on all training and validation photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Whether the network is trained again on training and validation photos, once validation has
    /// chosen.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub refit: bool,
    /// Number of trials, if the run searches its learning rate, augmentation, layer decay and
    /// stochastic depth. The first trial has the settings as they stand; the others draw these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<usize>,
    /// Number of epochs.
    pub epochs: usize,
    /// Photos per step.
    pub batch_size: usize,
    /// Number of shards that each batch is cut into, a power of two. Each shard has its own
    /// BatchNorm statistics. Several processes may compute them; their number does not change the
    /// result.
    #[serde(default = "shards::default_shards", skip_serializing_if = "shards::is_default")]
    pub shards: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate of the head, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_learning_rate: Option<f64>,
    /// Factor by which the learning rate shrinks from one block to the one below, if used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_decay: Option<f64>,
    /// Epochs of linear warm-up at the start; the rate climbs at every step.
    pub warmup_epochs: f64,
    /// Label smoothing in [0, 1).
    pub label_smoothing: f64,
    /// Both parameters of the beta distribution of MixUp's shares (Zhang et al. 2018); 0 for no
    /// MixUp.
    #[serde(default, skip_serializing_if = "mixing::is_off")]
    pub mixup: f64,
    /// The same for CutMix (Yun et al. 2019).
    #[serde(default, skip_serializing_if = "mixing::is_off")]
    pub cutmix: f64,
    /// Probability that a batch is mixed.
    #[serde(default = "mixing::default_prob", skip_serializing_if = "mixing::is_default_prob")]
    pub mixup_prob: f64,
    /// Probability that a mixed batch gets CutMix, if the run has both.
    #[serde(default = "mixing::default_switch", skip_serializing_if = "mixing::is_default_switch")]
    pub mixup_switch_prob: f64,
    /// Number of epochs after which nothing is mixed any more; 0 for never.
    #[serde(default, skip_serializing_if = "mixing::is_never")]
    pub mixup_off_epoch: usize,
    /// Largest global norm of the gradient, if it is clipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Decay of the moving average of the trained tensors, if there is one: the average is
    /// validated and saved in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<f64>,
    /// Whether every BatchNorm keeps its statistics and normalises with them, also where its scale
    /// and shift are trained.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub freeze_norm: bool,
    /// Whether weight decay leaves out normalisations, biases, tokens and position embeddings, as
    /// timm does.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub no_norm_decay: bool,
    /// What chooses the best epoch.
    #[serde(default, skip_serializing_if = "ChooseBy::is_default")]
    pub choose_by: ChooseBy,
    /// Seconds that a run of `auto` may take, if they are bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<f64>,
    /// Training stops after this many epochs without a better one, by `choose_by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Dropout before the classifier.
    pub drop_rate: f64,
    /// Stochastic depth of the last block; earlier ones have proportionally less.
    pub drop_path_rate: f64,
    /// How the new head is fitted.
    #[serde(default, skip_serializing_if = "HeadFit::is_default")]
    pub head: HeadFit,
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
    /// Share of known photos that may be called unknown, in (0, 1), if unknown photos are to be
    /// told from known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_share: Option<f64>,
    /// Side of the square input in evaluation, prediction and export, in pixels, if it differs from
    /// that of training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_side_px: Option<u32>,
    /// Crop share at that side ([`Preprocessing::crop_pct`]), if it differs from that of training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_crop_pct: Option<f64>,
    /// Whether a photo's logits are the mean of its own and of those of its mirror image, in
    /// evaluation, prediction and export.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub test_flip: bool,
    /// Preprocessing of photos, bound to the weights. [`Settings::test_view`] has what differs
    /// outside of training.
    pub preprocessing: Preprocessing,
}

impl Settings {
    /// Returns the recipe of the published study for one network and strategy, on photos in
    /// `data/processed`: seed 42, batches of 32, Adam, the plateau schedule, light augmentation.
    /// The strategy decides the learning rate and the number of epochs. `auto`, which the study
    /// does not have, differs in how it fine-tunes: from a convex head, with label smoothing, a
    /// warm-up and a cosine.
    pub fn published(
        model: String,
        weights: Weights,
        strategy: Strategy,
        preprocessing: Preprocessing,
    ) -> Self {
        let is_auto = strategy == Strategy::Auto;
        Self {
            model,
            weights,
            data_dir: "data/processed".into(),
            method: strategy.into(),
            unfreeze: Vec::new(),
            seed: 42,
            folds: None,
            refit: false,
            search: None,
            epochs: strategy.epochs(),
            batch_size: 32,
            shards: shards::default_shards(),
            learning_rate: strategy.learning_rate(),
            head_learning_rate: None,
            layer_decay: None,
            warmup_epochs: if is_auto { 1.0 } else { 0.0 },
            label_smoothing: if is_auto { 0.1 } else { 0.0 },
            mixup: 0.0,
            cutmix: 0.0,
            mixup_prob: mixing::default_prob(),
            mixup_switch_prob: mixing::default_switch(),
            mixup_off_epoch: 0,
            gradient_clip: None,
            ema: None,
            freeze_norm: false,
            no_norm_decay: false,
            choose_by: if is_auto { ChooseBy::Loss } else { ChooseBy::Accuracy },
            budget_s: None,
            early_stopping: None,
            drop_rate: 0.0,
            drop_path_rate: 0.0,
            head: if is_auto { HeadFit::Convex } else { HeadFit::Gradient },
            head_init: HeadInit::FanIn,
            class_weights: ClassWeights::None,
            optimizer: OptimizerConfig::adam(),
            scheduler: match is_auto {
                true => SchedulerKind::cosine(),
                false => SchedulerKind::plateau(),
            },
            augmentation: Augmentation::default(),
            feature_views: 4,
            unknown_share: None,
            test_side_px: None,
            test_crop_pct: None,
            test_flip: false,
            preprocessing,
        }
    }

    /// Returns the settings of a run that scores the untouched head: no epochs, a learning rate of
    /// 0 and no augmentation. The other values are the published ones and mean nothing; files have
    /// them.
    pub fn zero_shot(model: String, weights: Weights, preprocessing: Preprocessing) -> Self {
        Self {
            method: Method::ZeroShot,
            epochs: 0,
            learning_rate: 0.0,
            augmentation: AugmentationSet::None.augmentation(),
            ..Self::published(model, weights, Strategy::Freeze, preprocessing)
        }
    }

    /// Returns the strategy of a training.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`] if the run trains nothing.
    pub fn strategy(&self) -> Result<Strategy, OutOfBounds> {
        self.method.strategy().ok_or_else(|| OutOfBounds {
            name: "strategy",
            found: self.method.to_string(),
            expected: "freeze, partial, full or auto",
        })
    }

    /// Returns how the run mixes training photos. None if it does not.
    pub fn mixing(&self) -> Option<Mixing> {
        (self.mixup > 0.0 || self.cutmix > 0.0).then_some(Mixing {
            mixup: self.mixup,
            cutmix: self.cutmix,
            prob: self.mixup_prob,
            switch_prob: self.mixup_switch_prob,
            off_epoch: self.mixup_off_epoch,
        })
    }

    /// Whether an epoch, counted from 0, mixes photos.
    pub fn mixes(&self, epoch: usize) -> bool {
        self.mixing().is_some_and(|mixing| mixing.is_on(epoch))
    }
}
