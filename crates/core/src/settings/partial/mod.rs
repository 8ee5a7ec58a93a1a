//! Settings that may be missing: those of a file, of environment variables, of flags. They are laid
//! over one another, and at last over a recipe.

mod layer;
mod tables;

use toml::{Table, Value};

use super::{ChooseBy, ClassWeights, HeadFit, HeadInit, Settings, SettingsError, Weights};
use crate::{AugmentationSet, Method, Preprocessing, Strategy};
use layer::{Form, Layer, Result, partial};

pub use tables::{
    PartialAugmentation, PartialCrop, PartialOptimizer, PartialPreprocessing, PartialScheduler,
};

partial! {
    /// The settings of one source. Every field may be missing; the keys are those of `config.toml`,
    /// and `augment`, the name of a set of augmentations.
    pub struct PartialSettings {
        model: Option<String>,
        weights: Option<Weights>,
        data_dir: Option<String>,
        // The method: the key of `config.toml` is older than the distinction.
        strategy: Option<Method>,
        unfreeze: Option<Vec<String>>,
        seed: Option<u64>,
        folds: Option<usize>,
        refit: Option<bool>,
        search: Option<usize>,
        epochs: Option<usize>,
        batch_size: Option<usize>,
        shards: Option<usize>,
        learning_rate: Option<f64>,
        head_learning_rate: Option<f64>,
        layer_decay: Option<f64>,
        warmup_epochs: Option<f64>,
        label_smoothing: Option<f64>,
        mixup: Option<f64>,
        cutmix: Option<f64>,
        mixup_prob: Option<f64>,
        mixup_switch_prob: Option<f64>,
        mixup_off_epoch: Option<usize>,
        gradient_clip: Option<f64>,
        ema: Option<f64>,
        freeze_norm: Option<bool>,
        no_norm_decay: Option<bool>,
        choose_by: Option<ChooseBy>,
        budget_s: Option<f64>,
        early_stopping: Option<usize>,
        drop_rate: Option<f64>,
        drop_path_rate: Option<f64>,
        head: Option<HeadFit>,
        head_init: Option<HeadInit>,
        class_weights: Option<ClassWeights>,
        optimizer: PartialOptimizer,
        scheduler: PartialScheduler,
        // The set that the augmentation starts from, in place of the published one.
        augment: Option<AugmentationSet>,
        augmentation: PartialAugmentation,
        feature_views: Option<usize>,
        unknown_share: Option<f64>,
        test_side_px: Option<u32>,
        test_crop_pct: Option<f64>,
        test_flip: Option<bool>,
        preprocessing: PartialPreprocessing,
    }
}

/// Reads a table of settings. A key that would exist in a table inside is answered with that.
fn read(table: Table) -> Result<PartialSettings> {
    PartialSettings::read(Value::Table(table), "").map_err(|error| match error {
        SettingsError::NoSuchSetting { key, nearest } => {
            let inside = table_of(&key).map(|table| format!("{table}.{key}"));
            SettingsError::NoSuchSetting { key, nearest: inside.or(nearest) }
        }
        error => error,
    })
}

/// Returns the table that has a key of this name.
fn table_of(name: &str) -> Option<&'static str> {
    [
        ("augmentation", PartialAugmentation::KEYS),
        ("augmentation.crop", PartialCrop::KEYS),
        ("optimizer", PartialOptimizer::KEYS),
        ("preprocessing", PartialPreprocessing::KEYS),
        ("scheduler", PartialScheduler::KEYS),
    ]
    .into_iter()
    .find_map(|(table, keys)| keys.contains(&name).then_some(table))
}

impl PartialSettings {
    /// Parses a TOML file of settings, such as the `config.toml` of a run, whose facts are ignored.
    ///
    /// # Errors
    ///
    /// A text that is not TOML, a key that does not exist, or a value of another kind.
    pub fn parse(text: &str) -> Result<Self> {
        let mut table: Table = toml::from_str(text).map_err(SettingsError::Syntax)?;
        table.remove("facts");
        read(table)
    }

    /// Sets the value at a dotted key, such as `optimizer.name`.
    ///
    /// # Errors
    ///
    /// A key that does not exist, or a value of another kind.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        let (first, rest) =
            key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
        let of = |name: &str, value| Table::from_iter([(name.to_string(), value)]);
        let inner = rest.into_iter().flat_map(|rest| rest.rsplit('.'));
        let value = inner.fold(value, |value, name| Value::Table(of(name, value)));
        self.overlay(read(of(first, value))?);
        Ok(())
    }

    /// Lays the settings of a stronger source over these. What belongs to something that the
    /// stronger source replaces goes with it: preprocessing with its weights, weights with their
    /// model, the parts of an augmentation with its set, and rotation and jitter with a policy.
    pub fn layered(mut self, over: PartialSettings) -> Self {
        let is_other_model = over.model.is_some() && over.model != self.model;
        if is_other_model {
            self.weights = None;
        }
        if is_other_model || over.weights.is_some() {
            self.preprocessing = PartialPreprocessing::default();
            (self.test_side_px, self.test_crop_pct) = (None, None);
        }
        if over.augment.is_some() {
            self.augmentation = PartialAugmentation::default();
        }
        if let Some(policy) = over.augmentation.policy {
            self.augmentation.give_way_to(policy);
        }
        self.overlay(over);
        self
    }

    /// The strategy of settings that name none: `auto`, or `freeze` if they ask for what `auto`
    /// decides itself (the layers, the head) or does not do (folds, a search).
    fn default_strategy(&self) -> Strategy {
        let names_layers = self.unfreeze.as_ref().is_some_and(|parts| !parts.is_empty());
        let asks_for_one =
            names_layers || self.head.is_some() || self.folds.is_some() || self.search.is_some();
        if asks_for_one { Strategy::Freeze } else { Strategy::Auto }
    }

    /// Crops photos of the test side as the weights are tested, at `crop_pct`, unless these
    /// settings have no test side or a crop share of their own.
    pub fn or_test_crop(self, crop_pct: Option<f64>) -> Self {
        let of_weights = crop_pct.filter(|_| self.test_side_px.is_some());
        Self { test_crop_pct: self.test_crop_pct.or(of_weights), ..self }
    }

    /// Completes these settings with the published recipe of their strategy for `weights`, whose
    /// preprocessing is given. Without a strategy it is `auto`, or `freeze` if they have layers, a
    /// head, folds or a search of their own.
    ///
    /// # Errors
    ///
    /// Settings without a model, or of a run that trains nothing; a setting that the chosen
    /// optimiser, schedule or crop does not have.
    pub fn complete(self, weights: Weights, preprocessing: Preprocessing) -> Result<Settings> {
        let default = self.default_strategy();
        let model = self.model.ok_or(SettingsError::NoModel)?;
        let strategy = match self.strategy {
            None => default,
            Some(method) => method.strategy().ok_or(SettingsError::TrainsNothing)?,
        };
        let mut recipe = Settings::published(model, weights, strategy, preprocessing);
        let head = self.head.unwrap_or(recipe.head);
        if (strategy, head) == (Strategy::Freeze, HeadFit::Convex) {
            // It is fitted at once.
            recipe.epochs = 1;
        }
        let augmentation = self.augment.map_or(recipe.augmentation, AugmentationSet::augmentation);
        Ok(Settings {
            model: recipe.model,
            weights: recipe.weights,
            data_dir: self.data_dir.unwrap_or(recipe.data_dir),
            method: recipe.method,
            unfreeze: self.unfreeze.unwrap_or(recipe.unfreeze),
            seed: self.seed.unwrap_or(recipe.seed),
            folds: self.folds.or(recipe.folds),
            refit: self.refit.unwrap_or(recipe.refit),
            search: self.search.or(recipe.search),
            epochs: self.epochs.unwrap_or(recipe.epochs),
            batch_size: self.batch_size.unwrap_or(recipe.batch_size),
            shards: self.shards.unwrap_or(recipe.shards),
            learning_rate: self.learning_rate.unwrap_or(recipe.learning_rate),
            head_learning_rate: self.head_learning_rate.or(recipe.head_learning_rate),
            layer_decay: self.layer_decay.or(recipe.layer_decay),
            warmup_epochs: self.warmup_epochs.unwrap_or(recipe.warmup_epochs),
            label_smoothing: self.label_smoothing.unwrap_or(recipe.label_smoothing),
            mixup: self.mixup.unwrap_or(recipe.mixup),
            cutmix: self.cutmix.unwrap_or(recipe.cutmix),
            mixup_prob: self.mixup_prob.unwrap_or(recipe.mixup_prob),
            mixup_switch_prob: self.mixup_switch_prob.unwrap_or(recipe.mixup_switch_prob),
            mixup_off_epoch: self.mixup_off_epoch.unwrap_or(recipe.mixup_off_epoch),
            gradient_clip: self.gradient_clip.or(recipe.gradient_clip),
            ema: self.ema.or(recipe.ema),
            freeze_norm: self.freeze_norm.unwrap_or(recipe.freeze_norm),
            no_norm_decay: self.no_norm_decay.unwrap_or(recipe.no_norm_decay),
            choose_by: self.choose_by.unwrap_or(recipe.choose_by),
            budget_s: self.budget_s.or(recipe.budget_s),
            early_stopping: self.early_stopping.or(recipe.early_stopping),
            drop_rate: self.drop_rate.unwrap_or(recipe.drop_rate),
            drop_path_rate: self.drop_path_rate.unwrap_or(recipe.drop_path_rate),
            head,
            head_init: self.head_init.unwrap_or(recipe.head_init),
            class_weights: self.class_weights.unwrap_or(recipe.class_weights),
            optimizer: self.optimizer.complete(recipe.optimizer)?,
            scheduler: self.scheduler.complete(recipe.scheduler)?,
            augmentation: self.augmentation.complete(augmentation)?,
            feature_views: self.feature_views.unwrap_or(recipe.feature_views),
            unknown_share: self.unknown_share.or(recipe.unknown_share),
            test_side_px: self.test_side_px.or(recipe.test_side_px),
            test_crop_pct: self.test_crop_pct.or(recipe.test_crop_pct),
            test_flip: self.test_flip.unwrap_or(recipe.test_flip),
            preprocessing: self.preprocessing.complete(recipe.preprocessing),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::sample::select;
    use proptest::strategy::Strategy as Draw;
    use proptest::{prop_assert_eq, proptest};

    use super::super::{OptimizerConfig, SchedulerKind};
    use super::*;
    use crate::{Augmentation, AugmentationPolicy, Crop, CropMode, Interpolation, Strategy};

    fn preprocessing() -> Preprocessing {
        Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic)
    }

    fn completed(partial: PartialSettings) -> Result<Settings> {
        let model = partial.model.clone().or(Some("resnet18".into()));
        PartialSettings { model, ..partial }.complete(Weights::Random, preprocessing())
    }

    fn parsed(text: &str) -> PartialSettings {
        PartialSettings::parse(text).unwrap()
    }

    /// The error of a file, also one that shows only when the settings are completed.
    fn refused(text: &str) -> String {
        match PartialSettings::parse(text).and_then(completed) {
            Ok(settings) => panic!("{text}: {settings:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_missing_is_the_published_recipe() {
        for strategy in Strategy::ALL {
            let found = completed(parsed(&format!("strategy = \"{strategy}\""))).unwrap();
            let recipe =
                Settings::published("resnet18".into(), Weights::Random, strategy, preprocessing());
            assert_eq!(found, recipe);
        }
    }

    #[test]
    fn complete_settings_survive_the_way_through_a_file() {
        let settings = Settings {
            unfreeze: vec!["layer4.2".into(), "fc".into()],
            refit: true,
            head_learning_rate: Some(1e-2),
            layer_decay: Some(0.5),
            gradient_clip: Some(5.0),
            ema: Some(0.99),
            freeze_norm: true,
            no_norm_decay: true,
            shards: 4,
            mixup: 0.8,
            cutmix: 1.0,
            mixup_prob: 0.9,
            mixup_switch_prob: 0.25,
            mixup_off_epoch: 4,
            choose_by: ChooseBy::Loss,
            early_stopping: Some(3),
            search: Some(8),
            unknown_share: Some(0.02),
            test_side_px: Some(288),
            test_crop_pct: Some(1.0),
            test_flip: true,
            class_weights: ClassWeights::Given([("a b".to_string(), 2.0)].into()),
            optimizer: OptimizerConfig::sgd(),
            scheduler: SchedulerKind::one_cycle(),
            augmentation: Augmentation {
                policy: AugmentationPolicy::RandAugment,
                randaugment_magnitude: 12,
                ..AugmentationSet::Rrc.augmentation()
            },
            preprocessing: Preprocessing { crop_mode: CropMode::Squash, ..preprocessing() },
            ..Settings::published(
                "resnet18".into(),
                Weights::Random,
                Strategy::Full,
                preprocessing(),
            )
        };
        let text = toml::to_string(&settings).unwrap();
        let other = Preprocessing::imagenet(64, 1.0, Interpolation::Bilinear);
        assert_eq!(parsed(&text).complete(Weights::Random, other).unwrap(), settings);
    }

    #[test]
    fn another_choice_starts_from_its_own_defaults() {
        let file = parsed(
            "[optimizer]\nname = \"sgd\"\nmomentum = 0.5\nweight_decay = 0.1\n[scheduler]\nname = \
             \"step\"",
        );
        let layered = |flags: &str| completed(file.clone().layered(parsed(flags))).unwrap();
        assert_eq!(layered("optimizer.name = \"adamw\"").optimizer, OptimizerConfig::adamw());
        let found = layered("optimizer.name = \"sgd\"\noptimizer.momentum = 0.8").optimizer;
        assert_eq!(
            found,
            OptimizerConfig::Sgd { momentum: 0.8, nesterov: false, weight_decay: 0.1 }
        );
        let found = layered("scheduler.gamma = 0.5").scheduler;
        assert_eq!(found, SchedulerKind::Step { step_size: 5, gamma: 0.5 });
        // A name may also come from the stronger source alone.
        let found = completed(
            parsed("optimizer.weight_decay = 0.1").layered(parsed("optimizer.name = \"adamw\"")),
        );
        let adamw = OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.1 };
        assert_eq!(found.unwrap().optimizer, adamw);
        assert_eq!(
            refused("optimizer.momentum = 0.9"),
            "optimizer `adam` has no setting `momentum`; it has betas, eps, weight_decay"
        );
        assert_eq!(
            refused("scheduler = { name = \"constant\", gamma = 1 }"),
            "scheduler `constant` has no setting `gamma`; it has none"
        );
    }

    #[test]
    fn bounds_of_the_crop_imply_its_kind() {
        let crop = |text: &str| completed(parsed(text)).unwrap().augmentation.crop;
        let bounds = "augmentation.crop.scale = [0.5, 1]";
        let resized = Crop::RandomResized { scale: [0.5, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] };
        assert_eq!(crop(bounds), resized);
        assert_eq!(crop(&format!("augment = \"rrc\"\n{bounds}")), resized);
        assert_eq!(crop("augmentation.crop.kind = \"center\""), Crop::Center);
        let text = "augmentation.crop = { kind = \"random\", scale = [0.5, 1.0] }";
        assert_eq!(refused(text), "crop `random` has no setting `scale`; it has resize_ratio");
    }

    #[test]
    fn what_belongs_to_a_replaced_setting_goes_with_it() {
        let file = parsed(
            "model = \"resnet18\"\nweights = \"here\"\naugmentation.flip = \
             0.1\ntest_side_px = 96\npreprocessing.side_px = 64",
        );
        let layered = |flags: &str| file.clone().layered(parsed(flags));
        assert_eq!(layered("model = \"resnet18\""), file);
        let other = layered("model = \"resnet34\"");
        assert_eq!((other.weights, other.preprocessing.side_px), (None, None));
        assert_eq!(other.test_side_px, None);
        let other = layered("weights = \"there\"\npreprocessing.crop_pct = 1.0");
        assert_eq!((other.preprocessing.side_px, other.preprocessing.crop_pct), (None, Some(1.0)));
        let other = layered("augment = \"none\"\naugmentation.hue = 0.1").augmentation;
        assert_eq!((other.flip, other.hue), (None, Some(0.1)));
    }

    #[test]
    fn a_policy_takes_the_place_of_rotation_and_jitter_unless_they_are_given_beside_it() {
        let of = |partial| completed(partial).unwrap().augmentation;
        let policy = parsed("augmentation.policy = \"randaugment\"");
        let found = of(policy.clone());
        assert_eq!((found.policy, found.flip), (AugmentationPolicy::RandAugment, 0.5));
        assert_eq!((found.randaugment_ops, found.randaugment_magnitude), (2, 9));
        assert_eq!((found.rotation_deg, found.brightness, found.saturation), (0.0, 0.0, 0.0));
        let both = "augmentation = { policy = \"randaugment\", rotation_deg = 5 }";
        assert_eq!((of(parsed(both)).rotation_deg, of(parsed(both)).brightness), (5.0, 0.0));

        // The file of a run names rotation and jitter; flags that name a policy replace them.
        let whole = |partial| {
            let text = toml::to_string(&completed(partial).unwrap()).unwrap();
            PartialSettings::parse(&text).unwrap()
        };
        let light = whole(PartialSettings::default());
        assert_eq!(of(light.clone().layered(policy.clone())), found);
        let none = parsed("augmentation.policy = \"none\"");
        assert_eq!(of(whole(policy.clone()).layered(none)), of(light));
        let strong =
            parsed("augmentation = { policy = \"randaugment\", randaugment_ops = 3, hue = 0.1 }");
        assert_eq!(of(whole(strong.clone()).layered(policy)), of(strong.clone()));
        let trivial = parsed("augmentation.policy = \"trivialaugment\"");
        assert_eq!(of(whole(strong).layered(trivial.clone())), of(trivial));
    }

    #[test]
    fn weights_of_single_classes_are_laid_over_those_of_all() {
        let found =
            parsed("class_weights = { a = 1, b = 1 }").layered(parsed("class_weights.b = 2.5"));
        let wanted = ClassWeights::Given([("a".to_string(), 1.0), ("b".to_string(), 2.5)].into());
        assert_eq!(found.class_weights, Some(wanted));
    }

    #[test]
    fn a_test_side_brings_the_crop_with_which_the_weights_are_tested() {
        let crop = |text: &str| parsed(text).or_test_crop(Some(1.0)).test_crop_pct;
        assert_eq!(crop("test_flip = true"), None);
        assert_eq!(crop("test_side_px = 288"), Some(1.0));
        assert_eq!(crop("test_side_px = 288\ntest_crop_pct = 0.9"), Some(0.9));
    }

    #[test]
    fn settings_without_a_strategy_are_tried_unless_they_say_what_to_train() {
        let of = |text: &str| completed(parsed(text)).unwrap().method;
        assert_eq!(of("epochs = 3"), Strategy::Auto.into());
        assert_eq!(of("unfreeze = []"), Strategy::Auto.into());
        for own in ["unfreeze = [\"fc\"]", "head = \"convex\"", "folds = 5", "search = 8"] {
            assert_eq!(of(own), Strategy::Freeze.into(), "{own}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_named_with_its_key() {
        for (text, said) in [
            (
                "batch_size = \"many\"",
                "configuration: batch_size is \"many\", expected a whole number",
            ),
            ("epochs = -1", "configuration: epochs is -1, expected a whole number"),
            ("weights = true", "configuration: weights is true, expected text in quotes"),
            (
                "augmentation.flip = \"often\"",
                "configuration: augmentation.flip is \"often\", expected a number",
            ),
            ("optimizer = \"adamw\"", "configuration: optimizer is \"adamw\", expected a table"),
            (
                "optimizer.betas = [0.9]",
                "configuration: optimizer.betas is [0.9], expected two numbers",
            ),
            (
                "optimizer.name = \"lion\"",
                "unknown optimizer `lion`; expected one of: adam, adamw, sgd",
            ),
            (
                "strategy = \"zero_shot\"",
                "configuration: strategy is zero_shot: such a run trains nothing",
            ),
        ] {
            assert_eq!(refused(text), said);
        }
        let error = PartialSettings::parse("class_weights = \"balancd\"").unwrap_err();
        assert!(
            matches!(error, SettingsError::WrongValue { nearest: Some("balanced"), .. }),
            "{error}"
        );
    }

    #[test]
    fn a_key_that_does_not_exist_is_answered_with_the_nearest() {
        let nearest = |text: &str| match PartialSettings::parse(text) {
            Err(SettingsError::NoSuchSetting { key, nearest }) => {
                (key, nearest.unwrap_or_default())
            }
            other => panic!("{other:?}"),
        };
        for (typed, meant) in [
            ("flip", "augmentation.flip"),
            ("side_px", "preprocessing.side_px"),
            ("momentum", "optimizer.momentum"),
            ("learning_rte", "learning_rate"),
            ("optimizer.momentun", "optimizer.momentum"),
            ("augmentation.crop.scal", "augmentation.crop.scale"),
        ] {
            assert_eq!(nearest(&format!("{typed} = 1")), (typed.into(), meant.into()));
        }
    }

    #[test]
    fn a_dotted_key_sets_one_value() {
        let mut settings = PartialSettings::default();
        settings.set("optimizer.name", Value::from("sgd")).unwrap();
        settings.set("optimizer.momentum", Value::from(0.5)).unwrap();
        settings.set("epochs", Value::from(3)).unwrap();
        assert_eq!(settings, parsed("epochs = 3\noptimizer = { name = \"sgd\", momentum = 0.5 }"));
        let error = settings.set("epochs.of", Value::from(3)).unwrap_err();
        assert!(error.to_string().starts_with("configuration: epochs is "), "{error}");
    }

    /// Settings of one source, from every kind of field.
    fn source() -> impl Draw<Value = PartialSettings> {
        let optimizer = select(vec![OptimizerConfig::adam(), OptimizerConfig::adamw()]);
        (of(1usize..100), of(0u64..9), of(1usize..9), of(optimizer), of(1e-3..1.0), of(0.0..1.0))
            .prop_map(|(epochs, seed, early_stopping, name, weight_decay, flip)| PartialSettings {
                epochs,
                seed,
                early_stopping,
                optimizer: PartialOptimizer { name, weight_decay, ..PartialOptimizer::default() },
                augmentation: PartialAugmentation { flip, ..PartialAugmentation::default() },
                ..PartialSettings::default()
            })
    }

    proptest! {
        #[test]
        fn the_strongest_source_that_has_a_setting_wins(file in source(), variables in source(), flags in source()) {
            let sources = [&flags, &variables, &file];
            let layered = file.clone().layered(variables.clone()).layered(flags.clone());
            let found = completed(layered).unwrap();
            let recipe = completed(PartialSettings::default()).unwrap();
            fn strongest<T>(all: [&PartialSettings; 3], field: impl Fn(&PartialSettings) -> Option<T>) -> Option<T> {
                all.into_iter().find_map(field)
            }
            prop_assert_eq!(found.epochs, strongest(sources, |of| of.epochs).unwrap_or(recipe.epochs));
            prop_assert_eq!(found.seed, strongest(sources, |of| of.seed).unwrap_or(recipe.seed));
            prop_assert_eq!(found.early_stopping, strongest(sources, |of| of.early_stopping));
            let flip = strongest(sources, |of| of.augmentation.flip).unwrap_or(recipe.augmentation.flip);
            prop_assert_eq!(found.augmentation.flip, flip);
            let name = strongest(sources, |of| of.optimizer.name.clone()).unwrap_or(OptimizerConfig::adam());
            prop_assert_eq!(found.optimizer.name(), name.name());
        }
    }
}
