//! The settings in which runs differ.

use std::collections::{BTreeMap, BTreeSet};

use kennel_core::Settings;
use toml::{Table, Value};

use crate::FinishedRun;

/// Keys of `config.toml` that are in the label anyway or do not affect results.
const ELSEWHERE: [&str; 4] = ["model", "strategy", "seed", "data_dir"];

/// Values of the keys that `config.toml` leaves out at their defaults.
const LEFT_OUT: [(&str, &str); 14] = [
    ("augmentation.policy", "none"),
    ("choose_by", "accuracy"),
    ("cutmix", "0"),
    ("freeze_norm", "false"),
    ("head", "gradient"),
    ("mixup", "0"),
    ("mixup_off_epoch", "0"),
    ("mixup_prob", "1"),
    ("mixup_switch_prob", "0.5"),
    ("no_norm_decay", "false"),
    ("preprocessing.crop_mode", "center"),
    ("refit", "false"),
    ("shards", "1"),
    ("test_flip", "false"),
];

/// Returns, for each run, its model and strategy and every setting in which runs of that model and
/// strategy differ.
pub fn labels(runs: &[FinishedRun]) -> Vec<String> {
    let base: Vec<String> = runs
        .iter()
        .map(|run| format!("{} {}", run.settings().model, run.settings().method))
        .collect();
    let settings: Vec<BTreeMap<String, String>> =
        runs.iter().map(|run| settings(run.settings())).collect();
    let label = |index: usize| {
        let alike: Vec<&BTreeMap<_, _>> = settings
            .iter()
            .zip(&base)
            .filter(|(_, other)| **other == base[index])
            .map(|(of, _)| of)
            .collect();
        let keys: BTreeSet<&String> = alike.iter().flat_map(|of| of.keys()).collect();
        let varied = keys
            .into_iter()
            .filter(|key| alike.iter().any(|of| of.get(*key) != alike[0].get(*key)));
        let mut label = base[index].clone();
        let of_model = format!("{}.", runs[index].settings().model);
        for key in varied {
            let value = settings[index].get(key).map_or("none", String::as_str);
            let value = match key.as_str() {
                "weights" => {
                    let short = short_weights(value, &alike);
                    short.strip_prefix(&of_model).unwrap_or(short)
                }
                _ => value,
            };
            let name = if key == "learning_rate" { "lr" } else { key };
            label += &format!(", {name} {value}");
        }
        label
    };
    (0..runs.len()).map(label).collect()
}

/// Returns the last part of a path if that tells it from the other runs' weights, else all of it.
fn short_weights<'a>(value: &'a str, alike: &[&BTreeMap<String, String>]) -> &'a str {
    fn last(path: &str) -> &str {
        path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
    }
    let mut all = alike.iter().filter_map(|of| of.get("weights"));
    match all.any(|other| other != value && last(other) == last(value)) {
        true => value,
        false => last(value),
    }
}

/// Returns the settings that affect a run's results, with dotted keys.
fn settings(settings: &Settings) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    // Settings that were read can also be written.
    let table = Table::try_from(settings).unwrap_or_default();
    flatten("", &table, &mut flat);
    for (key, value) in LEFT_OUT {
        flat.entry(key.into()).or_insert_with(|| value.into());
    }
    flat.retain(|key, _| !ELSEWHERE.contains(&key.as_str()));
    flat
}

fn flatten(prefix: &str, table: &Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match value {
            Value::Table(inner) => flatten(&format!("{path}."), inner, into),
            Value::Float(number) => {
                into.insert(path, short(*number));
            }
            Value::String(text) => {
                into.insert(path, text.clone());
            }
            other => {
                into.insert(path, other.to_string());
            }
        }
    }
}

/// Formats a number: `1e-3`, but `0.5`.
fn short(number: f64) -> String {
    match number.abs() < 0.01 && number != 0.0 {
        true => format!("{number:e}"),
        false => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{ChooseBy, Interpolation, Preprocessing, Strategy, Weights};

    use super::*;

    #[test]
    fn what_a_file_leaves_out_has_its_default() {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let plain = Settings::published("a".into(), Weights::Random, Strategy::Full, preprocessing);
        let changed = Settings { choose_by: ChooseBy::Loss, freeze_norm: true, ..plain.clone() };
        let of = |of: &Settings, key: &str| settings(of)[key].clone();
        assert_eq!([of(&plain, "choose_by"), of(&changed, "choose_by")], ["accuracy", "loss"]);
        assert_eq!([of(&plain, "freeze_norm"), of(&changed, "freeze_norm")], ["false", "true"]);
        assert_eq!([of(&plain, "head"), of(&plain, "refit")], ["gradient", "false"]);
    }

    #[test]
    fn weights_are_called_by_what_tells_them_apart() {
        let weights = |path: &str| BTreeMap::from([("weights".to_string(), path.to_string())]);
        let (a, b, none) = (weights("a/resnet50/"), weights("b/resnet50"), weights("none"));
        assert_eq!(short_weights("a/resnet50/", &[&a, &none]), "resnet50");
        assert_eq!(short_weights("a/resnet50/", &[&a, &b]), "a/resnet50/");
        assert_eq!(short_weights("none", &[&a, &none]), "none");
    }
}
