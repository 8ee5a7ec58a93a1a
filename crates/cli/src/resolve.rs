//! Resolves a configuration: defaults, then `--config`, then flags.
//!
//! All three are the same table, that of `config.toml`. So `--config` accepts any saved
//! configuration, and flags can override any of its keys.

use std::io::ErrorKind;
use std::path::Path;

use kennel_core::{
    AugmentationSet, CoreError, Crop, HeadInit, Interpolation, OptimizerConfig, Preprocessing, RunConfig,
    SchedulerKind, Strategy, files,
};
use kennel_models::architecture;
use kennel_train::{NO_WEIGHTS, check_hyperparameters};
use toml::{Table, Value};

use crate::failure::Failure;
use crate::hints::{hint_did_you_mean, worded};
use crate::nearby::hint_nearby;
use crate::output::note_once;
use crate::{data, network};

/// Default folder of the data set that `prepare` writes and `train` reads.
pub const DATA_DIR: &str = "data/processed";
/// Default folder of downloaded photos.
pub const RAW_DIR: &str = "data/raw";
/// Default folder of runs.
pub const RUNS_DIR: &str = "runs";
/// Default folder of reports.
pub const RESULTS_DIR: &str = "results";
/// Default folder of exported files.
pub const MODELS_DIR: &str = "models";
/// Default folder of cached features.
pub const CACHE_DIR: &str = ".kennel/cache/features";

/// Reads a configuration file, or that of a run. Drops `facts`, which an earlier run has found.
pub fn read_config(path: &Path) -> Result<Table, Failure> {
    let of_run = path.join(RunConfig::FILE_NAME);
    let path = if of_run.is_file() { &of_run } else { path };
    if !path.exists() {
        let hint = hint_nearby(path).unwrap_or_else(|| {
            "\nhint: a run's own lies in it as config.toml; `kennel train --model NAME --dry-run > mine.toml` writes one to change".into()
        });
        return Err(Failure::Failed(format!("there is no {}{hint}", path.display())));
    }
    if path.is_dir() {
        let text =
            format!("{} is a folder without a config.toml\nhint: give a run, or a TOML file", path.display());
        return Err(Failure::Failed(text));
    }
    let text = files::read_text(path).map_err(|error| match error {
        CoreError::Io { ref source, .. } if source.kind() == ErrorKind::InvalidData => Failure::Failed(format!(
            "{error}\nhint: save it as UTF-8; in Windows PowerShell `kennel train ... --dry-run | Out-File -Encoding utf8 mine.toml` writes so"
        )),
        error => error.into(),
    })?;
    let mut table: Table = toml::from_str(&text).map_err(|error| {
        let (path, error) = (path.display(), error.to_string());
        Failure::Usage(format!("{path}: {}", error.trim_end()))
    })?;
    table.remove("facts");
    Ok(table)
}

/// Merges `flags` over `file` over the published recipe.
pub fn resolve(mut file: Table, flags: Table) -> Result<RunConfig, Failure> {
    // The preprocessing in the file belongs to the weights in the file, not to another network.
    let is_other = flags.get("model").is_some_and(|model| file.get("model") != Some(model));
    if is_other || flags.contains_key("weights") {
        file.remove("preprocessing");
    }
    if is_other && !flags.contains_key("weights") {
        file.remove("weights");
    }
    // A named set replaces the file's augmentation; flags may then change parts of it.
    let set = match flags.get("augment").or(file.get("augment")) {
        Some(name) => name.as_str().unwrap_or_default().parse::<AugmentationSet>()?,
        None => AugmentationSet::Light,
    };
    if flags.contains_key("augment") {
        file.remove("augmentation");
    }
    let mut asked = file;
    overlay(&mut asked, flags);
    asked.remove("augment");

    for key in ["model", "strategy", "weights", "data_dir", "head_init"] {
        if let Some(other) = asked.get(key).filter(|value| !value.is_str()) {
            let text = format!("configuration: {key} is {other}, expected text in quotes");
            return Err(Failure::Usage(text));
        }
    }
    let text = |key: &str| asked.get(key).and_then(Value::as_str).map(str::to_string);
    let model = text("model").ok_or_else(|| {
        Failure::Usage("which network? give --model NAME\nhint: `kennel models` lists them".into())
    })?;
    let architecture = architecture(&model)?;
    let strategy = match text("strategy") {
        Some(name) if name == Strategy::ZeroShot.as_str() => {
            let text = format!(
                "configuration: strategy is {name}: such a run trains nothing\n\
                 hint: `kennel evaluate --zero-shot` scores an untouched head; --strategy freeze trains a new one"
            );
            return Err(Failure::Usage(text));
        }
        Some(name) => name.parse::<Strategy>()?,
        None => Strategy::Freeze,
    };
    let base = |weights: String, preprocessing: Preprocessing| RunConfig {
        augmentation: set.augmentation(),
        ..RunConfig::published(model.clone(), weights, strategy, preprocessing)
    };
    let usual = &architecture.default_tag().preprocessing;
    let mut weights = text("weights").unwrap_or_else(|| architecture.default_tag().name());
    let preprocessing = if weights == NO_WEIGHTS {
        usual.clone()
    } else {
        let source = network::weights(architecture, Some(&weights), || {
            let trial = completed(base(weights.clone(), usual.clone()), asked.clone())?;
            // A usage error would end a study; this way only one experiment fails.
            check_hyperparameters(&trial).map_err(|error| Failure::Failed(worded(&error)))?;
            text("data_dir").map_or(Ok(()), |photos| data::open(Path::new(&photos)).map(drop))
        })?;
        if let Some(note) = source.note {
            note_once(&note);
        }
        if let Some(run) = &source.fine_tuned_in {
            note_once(&format!(
                "{weights} was fine-tuned in the run {run}: on photos that it learned from, or was chosen by, it looks better than it is"
            ));
        }
        detail!("weights    {} in {}", source.name, source.file.display());
        weights = source.name;
        source.preprocessing
    };
    completed(base(weights, preprocessing), asked)
}

/// Merges `asked` over the recipe.
fn completed(base: RunConfig, mut asked: Table) -> Result<RunConfig, Failure> {
    let mut table = Table::try_from(base).map_err(|error| Failure::Failed(error.to_string()))?;
    for (section, defaults) in
        [("optimizer", optimizer as fn(&str) -> Result<Value, Failure>), ("scheduler", scheduler)]
    {
        if let Some(name) = asked.get(section).and_then(Value::as_str) {
            return Err(Failure::Usage(format!(
                "configuration: {section} is `{name}`, expected a table\n\
                 hint: {section} = {{ name = \"{name}\" }} in a file; `kennel run` takes --set {section}.name={name}"
            )));
        }
        if let Some(name) = asked.get(section).and_then(|section| section.get("name")).and_then(Value::as_str)
        {
            table.insert(section.into(), defaults(name)?);
        }
        check_settings(section, &table, &asked)?;
    }
    if let Some(asked) = asked.get("augmentation").and_then(|section| section.get("crop"))
        && let Some(Value::Table(augmentation)) = table.get_mut("augmentation")
    {
        // Only a random_resized crop has bounds of area and shape.
        let is_resized = asked.get("scale").or(asked.get("ratio")).map(|_| "random_resized");
        let of_set = augmentation.get("crop").and_then(|crop| crop.get("kind")?.as_str());
        let kind =
            asked.get("kind").and_then(Value::as_str).or(is_resized.filter(|kind| of_set != Some(kind)));
        if let Some(kind) = kind {
            augmentation.insert("crop".into(), crop(kind)?);
        }
    }
    if let Some(name) = asked.get("head_init").and_then(Value::as_str) {
        let known = [HeadInit::FanIn, HeadInit::Timm].map(HeadInit::as_str);
        if !known.contains(&name) {
            return Err(unknown("head_init", name, &known));
        }
    }
    // Checked here, because the parser would take any other word for a table of weights and report
    // a confusing error.
    if let Some(name) = asked.get("class_weights").and_then(Value::as_str) {
        let known = ["none", "balanced"];
        if !known.contains(&name) {
            let hint = hint_did_you_mean(name, known);
            return Err(Failure::Usage(format!(
                "configuration: class_weights is `{name}`, expected none, balanced, or a weight for each class, such as {{ beagle = 2.0 }}{hint}"
            )));
        }
    }
    asked.remove("weights");
    check_keys(&asked)?;
    overlay(&mut table, asked);
    serde_path_to_error::deserialize(table).map_err(|error| {
        let (key, reason) = (error.path().to_string(), in_words(error.inner().message()));
        Failure::Usage(format!("configuration: {key}: {reason}"))
    })
}

/// Rewords a parser's error without the names of Rust types.
fn in_words(reason: &str) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("expected usize", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("floating point", "number"),
        ("expected internally tagged enum ", "expected a table of "),
    ];
    WORDS.iter().fold(reason.to_string(), |said, (jargon, word)| said.replace(jargon, word))
}

/// Inserts a value at a dotted path.
pub fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.into(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Returns PyTorch's defaults for an optimiser, except for SGD's momentum, which is 0.9.
fn optimizer(name: &str) -> Result<Value, Failure> {
    let (betas, eps) = ([0.9, 0.999], 1e-8);
    let config = match name {
        "adam" => OptimizerConfig::Adam { betas, eps, weight_decay: 0.0 },
        "adamw" => OptimizerConfig::AdamW { betas, eps, weight_decay: 0.01 },
        "sgd" => OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 },
        _ => return Err(unknown("optimizer", name, &["adam", "adamw", "sgd"])),
    };
    value(config)
}

/// Returns PyTorch's defaults of a schedule, but for the plateau's patience, which is the published
/// one.
fn scheduler(name: &str) -> Result<Value, Failure> {
    let kind = match name {
        "plateau" => SchedulerKind::Plateau { factor: 0.1, patience: 3, min_learning_rate: 0.0 },
        "cosine" => SchedulerKind::Cosine { min_learning_rate: 0.0 },
        "step" => SchedulerKind::Step { step_size: 5, gamma: 0.1 },
        "one_cycle" => SchedulerKind::OneCycle { pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 },
        "constant" => SchedulerKind::Constant,
        _ => {
            let known = ["plateau", "cosine", "step", "one_cycle", "constant"];
            return Err(unknown("scheduler", name, &known));
        }
    };
    value(kind)
}

fn crop(kind: &str) -> Result<Value, Failure> {
    value(match kind {
        "center" => Crop::Center,
        "random" => Crop::Random { resize_ratio: 256.0 / 224.0 },
        "random_resized" => Crop::RandomResized { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] },
        _ => return Err(unknown("crop", kind, &["center", "random", "random_resized"])),
    })
}

fn unknown(what: &str, found: &str, known: &[&str]) -> Failure {
    let hint = hint_did_you_mean(found, known.iter().copied());
    Failure::Usage(format!("unknown {what} `{found}`; expected one of: {}{hint}", known.join(", ")))
}

/// Rejects unknown keys and suggests the nearest known one.
fn check_keys(asked: &Table) -> Result<(), Failure> {
    // Keys that a configuration omits if they are not set.
    const OPTIONAL: [&str; 4] = ["head_learning_rate", "layer_decay", "gradient_clip", "early_stopping"];
    let preprocessing = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
    let known =
        Table::try_from(RunConfig::published(String::new(), String::new(), Strategy::Freeze, preprocessing))
            .map_err(|error| Failure::Failed(error.to_string()))?;
    let names = || known.keys().map(String::as_str).chain(OPTIONAL);
    match asked.keys().find(|key| !names().any(|name| name == key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let inside = known.iter().find(|(_, value)| value.get(key).is_some());
            let hint = match inside {
                Some((table, _)) => format!("\nhint: did you mean `{table}.{key}`?"),
                None => hint_did_you_mean(key, names()),
            };
            Err(Failure::Usage(format!("configuration: there is no setting `{key}`{hint}")))
        }
    }
}

fn value(config: impl serde::Serialize) -> Result<Value, Failure> {
    Value::try_from(config).map_err(|error| Failure::Failed(error.to_string()))
}

/// Rejects settings that the chosen optimiser or schedule does not have, with a clearer message
/// than the parser's.
fn check_settings(section: &str, table: &Table, asked: &Table) -> Result<(), Failure> {
    let (Some(Value::Table(known)), Some(Value::Table(asked))) = (table.get(section), asked.get(section))
    else {
        return Ok(());
    };
    let name = known.get("name").and_then(Value::as_str).unwrap_or_default();
    match asked.keys().find(|key| !known.contains_key(*key)) {
        None => Ok(()),
        Some(key) => {
            let settings: Vec<&str> = known.keys().map(String::as_str).filter(|key| *key != "name").collect();
            Err(Failure::Usage(format!(
                "{section} `{name}` has no setting `{key}`; it has {}\nhint: leave `{key}` out, or choose another with --{section}",
                if settings.is_empty() { "none".into() } else { settings.join(", ") }
            )))
        }
    }
}

/// Merges `over` into `under`, table by table. A table of another kind (optimiser, crop) replaces
/// the old one.
fn overlay(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => {
                let other =
                    |key: &str| new.get(key).is_some_and(|kind| old.get(key).is_some_and(|was| was != kind));
                if other("name") || other("kind") {
                    *old = new;
                } else {
                    overlay(old, new);
                }
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_the_published_one() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes"));
        for model in ["resnet50", "efficientnet_b0"] {
            for strategy in Strategy::ALL {
                let file = read_config(&folder.join(format!("{model}-{strategy}.toml"))).unwrap();
                let tag = architecture(model).unwrap().default_tag();
                assert_eq!(file["weights"].as_str(), Some(tag.name().as_str()));
                // The weights are not on this machine; their name determines the preprocessing.
                let without_weights = Table::from_iter([("weights".into(), Value::from(NO_WEIGHTS))]);
                let found = resolve(file, without_weights).unwrap();
                let weights = NO_WEIGHTS.to_string();
                let published =
                    RunConfig::published(model.into(), weights, strategy, tag.preprocessing.clone());
                assert_eq!(found, published, "{model} {strategy}");
            }
        }
    }

    #[test]
    fn bounds_of_the_crop_imply_its_kind() {
        let mut table = Table::new();
        insert(&mut table, "model", Value::from("mobilenetv2_100"));
        insert(&mut table, "weights", Value::from(NO_WEIGHTS));
        insert(&mut table, "augmentation.crop.scale", Value::from(vec![0.5, 1.0]));
        let crop = resolve(Table::new(), table).unwrap().augmentation.crop;
        assert_eq!(crop, Crop::RandomResized { scale: [0.5, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] });
    }

    #[test]
    fn a_value_of_another_kind_is_named_with_its_key() {
        let asked = |key: &str, value: Value| {
            let mut table = Table::new();
            insert(&mut table, "model", Value::from("mobilenetv2_100"));
            insert(&mut table, "weights", Value::from(NO_WEIGHTS));
            insert(&mut table, "data_dir", Value::from("photos"));
            insert(&mut table, key, value);
            resolve(Table::new(), table).unwrap_err().message().unwrap().to_string()
        };
        let said = asked("batch_size", Value::from("many"));
        assert!(said.starts_with("configuration: batch_size: ") && said.contains("\"many\""), "{said}");
        assert!(said.ends_with("expected a whole number"), "{said}");
        let said = asked("weights", Value::from(true));
        assert!(said.contains("weights is true, expected text in quotes"), "{said}");
        let said = asked("augmentation.flip", Value::from("often"));
        assert!(said.starts_with("configuration: augmentation.flip: "), "{said}");
        let said = asked("optimizer", Value::from("adamw"));
        assert!(said.contains("--set optimizer.name=adamw"), "{said}");
        let said = asked("class_weights", Value::from("balancd"));
        assert!(said.contains("did you mean `balanced`"), "{said}");
    }

    #[test]
    fn a_key_that_is_none_is_named_with_its_neighbour() {
        let table = |key: &str| Table::from_iter([(key.to_string(), Value::Integer(1))]);
        for optional in ["gradient_clip", "early_stopping", "head_learning_rate", "layer_decay", "seed"] {
            assert!(check_keys(&table(optional)).is_ok(), "{optional}");
        }
        let said = check_keys(&table("flip")).unwrap_err();
        assert!(said.message().unwrap().contains("did you mean `augmentation.flip`"), "{said:?}");
        let said = check_keys(&table("learning_rte")).unwrap_err();
        assert!(said.message().unwrap().contains("did you mean `learning_rate`"), "{said:?}");
    }

    proptest::proptest! {
        #[test]
        fn flags_win_over_the_file_and_the_file_over_the_recipe(
            in_file in proptest::collection::btree_map(0usize..4, 1i64..100, 0..4),
            in_flags in proptest::collection::btree_map(0usize..4, 1i64..100, 0..4),
        ) {
            const KEYS: [&str; 4] = ["epochs", "batch_size", "seed", "early_stopping"];
            let table = |values: &std::collections::BTreeMap<usize, i64>| -> Table {
                values.iter().map(|(&key, &value)| (KEYS[key].to_string(), Value::from(value))).collect()
            };
            let mut file = table(&in_file);
            file.insert("model".into(), Value::from("resnet18"));
            file.insert("weights".into(), Value::from(NO_WEIGHTS));
            let mut alone = file.clone();
            KEYS.iter().for_each(|key| drop(alone.remove(*key)));
            let recipe = resolve(alone, Table::new()).unwrap();
            let values = |config: &RunConfig| {
                let stopping = config.early_stopping.map(|epochs| epochs as i64);
                [Some(config.epochs as i64), Some(config.batch_size as i64), Some(config.seed as i64), stopping]
            };
            let recipe = values(&recipe);
            let found = values(&resolve(file, table(&in_flags)).unwrap());
            for key in 0..KEYS.len() {
                let wanted = in_flags.get(&key).or(in_file.get(&key)).copied().or(recipe[key]);
                proptest::prop_assert_eq!(found[key], wanted, "{}", KEYS[key]);
            }
        }
    }
}
