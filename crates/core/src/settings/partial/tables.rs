//! The partial forms of the tables inside of the settings.

use super::super::{OptimizerConfig, SchedulerKind, SettingsError};
use super::layer::{Form, Result, partial};
use crate::{Augmentation, AugmentationPolicy, Crop, CropMode, Interpolation, Preprocessing};

partial! {
    /// Settings of an optimiser. Another name starts from that optimiser's defaults.
    pub struct PartialOptimizer chosen by name {
        name: Option<OptimizerConfig>,
        betas: Option<[f64; 2]>,
        eps: Option<f64>,
        momentum: Option<f64>,
        nesterov: Option<bool>,
        weight_decay: Option<f64>,
    }
}

partial! {
    /// Settings of a schedule. Another name starts from that schedule's defaults.
    pub struct PartialScheduler chosen by name {
        name: Option<SchedulerKind>,
        div_factor: Option<f64>,
        factor: Option<f64>,
        final_div_factor: Option<f64>,
        gamma: Option<f64>,
        min_learning_rate: Option<f64>,
        patience: Option<usize>,
        pct_start: Option<f64>,
        step_size: Option<usize>,
    }
}

partial! {
    /// Parts of an augmentation.
    pub struct PartialAugmentation {
        flip: Option<f64>,
        rotation_deg: Option<f64>,
        brightness: Option<f64>,
        contrast: Option<f64>,
        saturation: Option<f64>,
        hue: Option<f64>,
        erasing: Option<f64>,
        policy: Option<AugmentationPolicy>,
        randaugment_ops: Option<u32>,
        randaugment_magnitude: Option<u32>,
        crop: PartialCrop,
    }
}

partial! {
    /// Parts of a crop. Another kind starts from that kind's defaults; bounds alone mean a
    /// `random_resized` crop.
    pub struct PartialCrop chosen by kind {
        kind: Option<Crop>,
        ratio: Option<[f64; 2]>,
        resize_ratio: Option<f64>,
        scale: Option<[f64; 2]>,
    }
}

partial! {
    /// Parts of the preprocessing.
    pub struct PartialPreprocessing {
        side_px: Option<u32>,
        crop_pct: Option<f64>,
        crop_mode: Option<CropMode>,
        interpolation: Option<Interpolation>,
        mean: Option<[f32; 3]>,
        std: Option<[f32; 3]>,
    }
}

fn put<T>(into: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *into = given;
    }
}

/// Refuses the first of the `given` keys that the choice `name` does not have.
fn refuse_others(
    section: &'static str,
    name: &'static str,
    known: &'static [&'static str],
    given: Vec<&'static str>,
) -> Result<()> {
    match given.into_iter().find(|key| !known.contains(key) && !["name", "kind"].contains(key)) {
        None => Ok(()),
        Some(key) => Err(SettingsError::NotOfThisChoice { section, name, key, known }),
    }
}

impl PartialOptimizer {
    /// Lays these settings over `recipe`, or over the defaults of the named optimiser.
    pub(super) fn complete(self, recipe: OptimizerConfig) -> Result<OptimizerConfig> {
        let mut whole = self.name.clone().unwrap_or(recipe);
        refuse_others("optimizer", whole.name(), whole.keys(), self.given())?;
        match &mut whole {
            OptimizerConfig::Adam { betas, eps, weight_decay }
            | OptimizerConfig::AdamW { betas, eps, weight_decay } => {
                put(betas, self.betas);
                put(eps, self.eps);
                put(weight_decay, self.weight_decay);
            }
            OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                put(momentum, self.momentum);
                put(nesterov, self.nesterov);
                put(weight_decay, self.weight_decay);
            }
        }
        Ok(whole)
    }
}

impl PartialScheduler {
    /// Lays these settings over `recipe`, or over the defaults of the named schedule.
    pub(super) fn complete(self, recipe: SchedulerKind) -> Result<SchedulerKind> {
        let mut whole = self.name.clone().unwrap_or(recipe);
        refuse_others("scheduler", whole.name(), whole.keys(), self.given())?;
        match &mut whole {
            SchedulerKind::Plateau { factor, patience, min_learning_rate } => {
                put(factor, self.factor);
                put(patience, self.patience);
                put(min_learning_rate, self.min_learning_rate);
            }
            SchedulerKind::Cosine { min_learning_rate } => {
                put(min_learning_rate, self.min_learning_rate)
            }
            SchedulerKind::Step { step_size, gamma } => {
                put(step_size, self.step_size);
                put(gamma, self.gamma);
            }
            SchedulerKind::OneCycle { pct_start, div_factor, final_div_factor } => {
                put(pct_start, self.pct_start);
                put(div_factor, self.div_factor);
                put(final_div_factor, self.final_div_factor);
            }
            SchedulerKind::Constant => {}
        }
        Ok(whole)
    }
}

impl PartialAugmentation {
    /// Forgets what another policy of a stronger source replaces: rotation and jitter, and the
    /// settings of the policy before it.
    pub(super) fn give_way_to(&mut self, policy: AugmentationPolicy) {
        if self.policy.unwrap_or_default() == policy {
            return;
        }
        let is_first = self.policy.is_none();
        *self = Self {
            flip: self.flip,
            erasing: self.erasing,
            randaugment_ops: self.randaugment_ops.filter(|_| is_first),
            randaugment_magnitude: self.randaugment_magnitude.filter(|_| is_first),
            crop: std::mem::take(&mut self.crop),
            ..Self::default()
        };
    }

    /// Lays these parts over `recipe`, whose rotation and jitter a policy replaces.
    pub(super) fn complete(self, recipe: Augmentation) -> Result<Augmentation> {
        let policy = Augmentation {
            policy: self.policy.unwrap_or(recipe.policy),
            randaugment_ops: self.randaugment_ops.unwrap_or(recipe.randaugment_ops),
            randaugment_magnitude: self
                .randaugment_magnitude
                .unwrap_or(recipe.randaugment_magnitude),
            ..recipe.clone()
        };
        let recipe = recipe.with_policy_of(&policy);
        Ok(Augmentation {
            flip: self.flip.unwrap_or(recipe.flip),
            rotation_deg: self.rotation_deg.unwrap_or(recipe.rotation_deg),
            brightness: self.brightness.unwrap_or(recipe.brightness),
            contrast: self.contrast.unwrap_or(recipe.contrast),
            saturation: self.saturation.unwrap_or(recipe.saturation),
            hue: self.hue.unwrap_or(recipe.hue),
            erasing: self.erasing.unwrap_or(recipe.erasing),
            policy: recipe.policy,
            randaugment_ops: recipe.randaugment_ops,
            randaugment_magnitude: recipe.randaugment_magnitude,
            crop: self.crop.complete(recipe.crop)?,
        })
    }
}

impl PartialCrop {
    /// Lays these parts over `recipe`, or over the defaults of the given kind.
    fn complete(self, recipe: Crop) -> Result<Crop> {
        // Only a random_resized crop has bounds of area and shape.
        let has_bounds = self.scale.is_some() || self.ratio.is_some();
        let mut whole = match self.kind.clone() {
            Some(kind) => kind,
            None if has_bounds && !matches!(recipe, Crop::RandomResized { .. }) => {
                Crop::random_resized()
            }
            None => recipe,
        };
        refuse_others("crop", whole.name(), whole.keys(), self.given())?;
        match &mut whole {
            Crop::Center => {}
            Crop::Random { resize_ratio } => put(resize_ratio, self.resize_ratio),
            Crop::RandomResized { scale, ratio } => {
                put(scale, self.scale);
                put(ratio, self.ratio);
            }
        }
        Ok(whole)
    }
}

impl PartialPreprocessing {
    /// Lays these parts over the preprocessing of the weights.
    pub(super) fn complete(self, of_weights: Preprocessing) -> Preprocessing {
        Preprocessing {
            side_px: self.side_px.unwrap_or(of_weights.side_px),
            crop_pct: self.crop_pct.unwrap_or(of_weights.crop_pct),
            crop_mode: self.crop_mode.unwrap_or(of_weights.crop_mode),
            interpolation: self.interpolation.unwrap_or(of_weights.interpolation),
            mean: self.mean.unwrap_or(of_weights.mean),
            std: self.std.unwrap_or(of_weights.std),
        }
    }
}
