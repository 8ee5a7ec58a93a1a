//! The bounds of all settings.

use super::{HeadFit, OptimizerConfig, OutOfBounds, SchedulerKind, Settings, mixing};
use crate::{Augmentation, AugmentationPolicy, AugmentationSet, Crop, Strategy};

type Checked = Result<(), OutOfBounds>;

fn check(name: &'static str, found: f64, fits: bool, expected: &'static str) -> Checked {
    match fits && found.is_finite() {
        true => Ok(()),
        false => Err(OutOfBounds { name, found: found.to_string(), expected }),
    }
}

fn share(name: &'static str, x: f64) -> Checked {
    check(name, x, (0.0..1.0).contains(&x), "a number in [0, 1)")
}

fn positive(name: &'static str, x: f64) -> Checked {
    check(name, x, x > 0.0, "a positive number")
}

fn not_negative(name: &'static str, x: f64) -> Checked {
    check(name, x, x >= 0.0, "0 or more")
}

fn probability(name: &'static str, x: f64) -> Checked {
    check(name, x, (0.0..=1.0).contains(&x), "a probability in [0, 1]")
}

impl Settings {
    /// Photos of a shard: all of a batch, unless it is cut.
    pub fn shard_size(&self) -> usize {
        self.batch_size / self.shards
    }

    /// Checks that a batch can be cut into the shards.
    fn check_shards(&self) -> Checked {
        let expected = if !self.shards.is_power_of_two() {
            "1, 2, 4, 8 or another power of two"
        } else if !self.batch_size.is_multiple_of(self.shards) {
            "a divisor of batch_size"
        } else if self.shards > 1 && self.batch_size < 2 * self.shards {
            "at most half of batch_size: one photo has no batch statistics"
        } else {
            return Ok(());
        };
        Err(OutOfBounds { name: "shards", found: self.shards.to_string(), expected })
    }

    /// Checks the settings of a training: that it trains something, and every value that has
    /// bounds.
    ///
    /// # Errors
    ///
    /// The first value that is out of bounds.
    pub fn check(&self) -> Checked {
        let strategy = self.strategy()?;
        if strategy == Strategy::Auto && !self.unfreeze.is_empty() {
            let found = self.unfreeze.join(",");
            let expected = "none with the strategy auto, which chooses the layers";
            return Err(OutOfBounds { name: "unfreeze", found, expected });
        }
        if let Some(seconds) = self.budget_s {
            positive("budget_s", seconds)?;
            if strategy != Strategy::Auto {
                let found = seconds.to_string();
                let expected = "none, unless the strategy is auto";
                return Err(OutOfBounds { name: "budget_s", found, expected });
            }
        }
        if (strategy, self.head) == (Strategy::Freeze, HeadFit::Convex) && self.epochs > 1 {
            let found = self.epochs.to_string();
            let expected = "1 for a convex head, which is fitted at once";
            return Err(OutOfBounds { name: "epochs", found, expected });
        }
        if let Some(folds) = self.folds {
            check("folds", folds as f64, folds >= 2, "2 or more")?;
            let expected = "none with the strategy auto, which cross-validates its convex head";
            check("folds", folds as f64, strategy != Strategy::Auto, expected)?;
            let expected = "false with folds, whose network is trained on all photos anyway";
            if self.refit {
                return Err(OutOfBounds { name: "refit", found: "true".into(), expected });
            }
        }
        if let Some(count) = self.search {
            self.check_search(count as f64, strategy)?;
        }
        positive("learning_rate", self.learning_rate)?;
        if let Some(rate) = self.head_learning_rate {
            positive("head_learning_rate", rate)?;
        }
        if let Some(decay) = self.layer_decay {
            check("layer_decay", decay, decay > 0.0 && decay <= 1.0, "a number in (0, 1]")?;
        }
        if let Some(norm) = self.gradient_clip {
            positive("gradient_clip", norm)?;
        }
        if let Some(decay) = self.ema {
            share("ema", decay)?;
        }
        positive("epochs", self.epochs as f64)?;
        positive("batch_size", self.batch_size as f64)?;
        self.check_shards()?;
        if let Some(patience) = self.early_stopping {
            positive("early_stopping", patience as f64)?;
        }
        share("label_smoothing", self.label_smoothing)?;
        self.check_mixing(strategy)?;
        share("drop_rate", self.drop_rate)?;
        share("drop_path_rate", self.drop_path_rate)?;
        if let Some(unknown) = self.unknown_share {
            let fits = unknown > 0.0 && unknown < 1.0;
            check("unknown_share", unknown, fits, "a number in (0, 1)")?;
            let expected = "none with folds, whose network has no validation photos";
            check("unknown_share", unknown, self.folds.is_none(), expected)?;
            let expected = "none with refit, whose network has seen the validation photos";
            check("unknown_share", unknown, !self.refit, expected)?;
        }
        not_negative("warmup_epochs", self.warmup_epochs)?;
        self.optimizer.check()?;
        self.scheduler.check(self.learning_rate)?;
        self.augmentation.check()?;
        if let (None, Some(crop_pct)) = (self.test_side_px, self.test_crop_pct) {
            let expected = "none without test_side_px, which it belongs to";
            check("test_crop_pct", crop_pct, false, expected)?;
        }
        match self.preprocessing_problem() {
            None => Ok(()),
            Some((name, found, expected)) => Err(OutOfBounds { name, found, expected }),
        }
    }

    fn check_mixing(&self, strategy: Strategy) -> Checked {
        not_negative("mixup", self.mixup)?;
        not_negative("cutmix", self.cutmix)?;
        probability("mixup_prob", self.mixup_prob)?;
        probability("mixup_switch_prob", self.mixup_switch_prob)?;
        let (name, alpha) = match self.mixup > 0.0 {
            true => ("mixup", self.mixup),
            false => ("cutmix", self.cutmix),
        };
        let Some(mixing) = self.mixing() else {
            let expected = "none without MixUp and CutMix, which it belongs to";
            let prob = self.mixup_prob;
            check("mixup_prob", prob, mixing::is_default_prob(&prob), expected)?;
            let switch = self.mixup_switch_prob;
            check("mixup_switch_prob", switch, mixing::is_default_switch(&switch), expected)?;
            let epoch = self.mixup_off_epoch;
            return check("mixup_off_epoch", epoch as f64, epoch == 0, expected);
        };
        let expected = "none with the strategy auto, whose convex head is fitted to whole photos; \
                        partial and full can mix";
        check(name, alpha, strategy != Strategy::Auto, expected)?;
        let expected = "none with a convex head, which is fitted to whole photos";
        check(name, alpha, self.head != HeadFit::Convex, expected)?;
        let expected = "none with a batch size of 1, which has no other photo to mix with";
        check(name, alpha, self.batch_size > 1, expected)?;
        let has_both = mixing.mixup > 0.0 && mixing.cutmix > 0.0;
        let switch = mixing.switch_prob;
        let expected = "none, unless both mixup and cutmix are used";
        let fits = has_both || mixing::is_default_switch(&switch);
        check("mixup_switch_prob", switch, fits, expected)
    }

    fn check_search(&self, count: f64, strategy: Strategy) -> Checked {
        check("search", count, (2.0..=64.0).contains(&count), "2 to 64 trials")?;
        let expected = "none with the strategy auto, which tries its own settings";
        check("search", count, strategy != Strategy::Auto, expected)?;
        let expected = "none with folds, whose networks have validation photos of their own";
        check("search", count, self.folds.is_none(), expected)?;
        let is_fitted = (strategy, self.head) == (Strategy::Freeze, HeadFit::Convex);
        let expected = "none with a convex head on a frozen network, which has nothing to search";
        check("search", count, !is_fitted, expected)
    }
}

impl OptimizerConfig {
    fn check(&self) -> Checked {
        match *self {
            OptimizerConfig::Adam { betas, eps, weight_decay }
            | OptimizerConfig::AdamW { betas, eps, weight_decay } => {
                share("betas", betas[0])?;
                share("betas", betas[1])?;
                positive("eps", eps)?;
                not_negative("weight_decay", weight_decay)
            }
            OptimizerConfig::Sgd { momentum, weight_decay, .. } => {
                share("momentum", momentum)?;
                not_negative("weight_decay", weight_decay)
            }
        }
    }
}

impl SchedulerKind {
    fn check(&self, learning_rate: f64) -> Checked {
        let lowest = |rate: f64| {
            let fits = (0.0..=learning_rate).contains(&rate);
            check("min_learning_rate", rate, fits, "0 or more, and at most the learning rate")
        };
        match *self {
            SchedulerKind::Plateau { factor, min_learning_rate, .. } => {
                check(
                    "plateau_factor",
                    factor,
                    factor > 0.0 && factor < 1.0,
                    "a number in (0, 1)",
                )?;
                lowest(min_learning_rate)
            }
            SchedulerKind::Cosine { min_learning_rate } => lowest(min_learning_rate),
            SchedulerKind::Step { step_size, gamma } => {
                positive("step_size", step_size as f64)?;
                check("gamma", gamma, gamma > 0.0 && gamma <= 1.0, "a number in (0, 1]")
            }
            SchedulerKind::OneCycle { pct_start, div_factor, final_div_factor } => {
                share("pct_start", pct_start)?;
                positive("div_factor", div_factor)?;
                positive("final_div_factor", final_div_factor)
            }
            SchedulerKind::Constant => Ok(()),
        }
    }
}

impl Augmentation {
    fn check(&self) -> Checked {
        probability("flip", self.flip)?;
        probability("erasing", self.erasing)?;
        let rotation = self.rotation_deg;
        check("rotation_deg", rotation, (0.0..=180.0).contains(&rotation), "degrees in [0, 180]")?;
        check("hue", self.hue, (0.0..=0.5).contains(&self.hue), "turns in [0, 0.5]")?;
        let jitter = [
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
        ];
        for (name, x) in jitter {
            check(name, x, (0.0..=10.0).contains(&x), "a range in [0, 10]")?;
        }
        self.check_policy()?;
        match self.crop {
            Crop::Center => Ok(()),
            Crop::Random { resize_ratio: ratio } => {
                check("resize_ratio", ratio, (1.0..=4.0).contains(&ratio), "a number in [1, 4]")
            }
            Crop::RandomResized { scale: [small, large], ratio: [narrow, wide] } => {
                let fits = small > 0.0 && small <= large && large <= 1.0;
                check("crop_scale", small, fits, "two shares in (0, 1], the smaller first")?;
                let fits = narrow > 0.0 && narrow <= wide && wide.is_finite();
                check("crop_ratio", narrow, fits, "two positive numbers, the smaller first")
            }
        }
    }

    fn check_policy(&self) -> Checked {
        let (ops, magnitude) = (self.randaugment_ops, self.randaugment_magnitude);
        check("randaugment_ops", ops.into(), (1..=14).contains(&ops), "1 to 14 operations")?;
        let (name, found) = ("randaugment_magnitude", f64::from(magnitude));
        check(name, found, magnitude <= 30, "a magnitude of 0 to 30")?;
        if self.policy == AugmentationPolicy::RandAugment {
            return Ok(());
        }
        let expected = "none, unless the policy is randaugment";
        let usual = AugmentationSet::None.augmentation();
        check("randaugment_ops", ops.into(), ops == usual.randaugment_ops, expected)?;
        check(name, found, magnitude == usual.randaugment_magnitude, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interpolation, Preprocessing, Weights};

    #[test]
    fn every_recipe_is_within_bounds_and_a_value_out_of_them_is_named() {
        let preprocessing = || Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let of = |strategy| {
            Settings::published("resnet50".into(), Weights::Random, strategy, preprocessing())
        };
        for strategy in Strategy::ALL {
            assert_eq!(of(strategy).check(), Ok(()));
        }
        let base = of(Strategy::Freeze);
        let crop = Crop::RandomResized { scale: [0.5, 0.1], ratio: [1.0, 1.0] };
        for (wrong, name) in [
            (Settings { learning_rate: f64::NAN, ..base.clone() }, "learning_rate"),
            (Settings { batch_size: 0, ..base.clone() }, "batch_size"),
            (Settings { shards: 0, ..base.clone() }, "shards"),
            (Settings { shards: 3, batch_size: 33, ..base.clone() }, "shards"),
            (Settings { shards: 8, batch_size: 12, ..base.clone() }, "shards"),
            (Settings { shards: 32, ..base.clone() }, "shards"),
            (Settings { folds: Some(1), ..base.clone() }, "folds"),
            (Settings { folds: Some(5), ..of(Strategy::Auto) }, "folds"),
            (Settings { folds: Some(5), refit: true, ..base.clone() }, "refit"),
            (Settings { search: Some(1), ..base.clone() }, "search"),
            (Settings { search: Some(65), ..base.clone() }, "search"),
            (Settings { search: Some(8), ..of(Strategy::Auto) }, "search"),
            (Settings { search: Some(8), folds: Some(5), ..base.clone() }, "search"),
            (
                Settings { search: Some(8), head: HeadFit::Convex, epochs: 1, ..base.clone() },
                "search",
            ),
            (Settings { label_smoothing: 1.0, ..base.clone() }, "label_smoothing"),
            (Settings { mixup: -0.1, ..base.clone() }, "mixup"),
            (Settings { cutmix: f64::INFINITY, ..base.clone() }, "cutmix"),
            (Settings { mixup: 0.8, mixup_prob: 1.5, ..base.clone() }, "mixup_prob"),
            (Settings { mixup: 0.8, batch_size: 1, ..base.clone() }, "mixup"),
            (Settings { cutmix: 1.0, ..of(Strategy::Auto) }, "cutmix"),
            (Settings { mixup: 0.8, head: HeadFit::Convex, ..of(Strategy::Full) }, "mixup"),
            // They would say nothing.
            (Settings { mixup_prob: 0.5, ..base.clone() }, "mixup_prob"),
            (Settings { mixup_off_epoch: 3, ..base.clone() }, "mixup_off_epoch"),
            (Settings { mixup: 0.8, mixup_switch_prob: 0.3, ..base.clone() }, "mixup_switch_prob"),
            (Settings { layer_decay: Some(1.5), ..base.clone() }, "layer_decay"),
            (Settings { ema: Some(1.0), ..base.clone() }, "ema"),
            (Settings { test_side_px: Some(16), ..base.clone() }, "test_side_px"),
            (Settings { test_crop_pct: Some(1.0), ..base.clone() }, "test_crop_pct"),
            (
                Settings { test_side_px: Some(64), test_crop_pct: Some(2.0), ..base.clone() },
                "test_crop_pct",
            ),
            (Settings { unknown_share: Some(1.0), ..base.clone() }, "unknown_share"),
            (
                Settings {
                    scheduler: SchedulerKind::Cosine { min_learning_rate: 0.1 },
                    ..base.clone()
                },
                "min_learning_rate",
            ),
            (
                Settings {
                    augmentation: Augmentation { crop, ..base.augmentation.clone() },
                    ..base.clone()
                },
                "crop_scale",
            ),
            (
                Settings {
                    augmentation: Augmentation {
                        policy: AugmentationPolicy::RandAugment,
                        randaugment_magnitude: 31,
                        ..base.augmentation.clone()
                    },
                    ..base.clone()
                },
                "randaugment_magnitude",
            ),
            (
                Settings {
                    augmentation: Augmentation {
                        policy: AugmentationPolicy::TrivialAugment,
                        randaugment_ops: 3,
                        ..base.augmentation.clone()
                    },
                    ..base.clone()
                },
                "randaugment_ops",
            ),
            (
                Settings {
                    preprocessing: Preprocessing { side_px: 8, ..preprocessing() },
                    ..base.clone()
                },
                "side_px",
            ),
            (Settings::zero_shot("resnet50".into(), Weights::Random, preprocessing()), "strategy"),
        ] {
            assert_eq!(wrong.check().unwrap_err().name, name);
        }
    }
}
