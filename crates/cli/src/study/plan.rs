//! The experiments of a study: each model with each strategy, each combination of settings and each
//! seed.

use std::collections::BTreeMap;

use kennel_core::{RunConfig, Split, Strategy};
use kennel_data::Dataset;
use kennel_train::{check_hyperparameters, class_weights};
use toml::{Table, Value};

use crate::failure::Failure;
use crate::hints::worded;
use crate::resolve::{insert, resolve};

/// One training run.
pub struct Experiment {
    /// Model, strategy, the settings that vary and the seed.
    pub label: String,
    /// Its resolved configuration, or why there is none.
    pub config: Result<RunConfig, String>,
}

impl Experiment {
    /// Checks that the class weights of the configuration match the classes of the photos.
    pub fn check_classes(&mut self, data: &Dataset) {
        let Ok(config) = &self.config else { return };
        let counts: Vec<usize> =
            data.classes().iter().map(|class| data.manifest().counts(Some(class)).of(Split::Train)).collect();
        if let Err(error) = class_weights(&config.class_weights, data.classes(), &counts) {
            self.config = Err(worded(&error));
        }
    }
}

/// Settings of a study.
pub struct Settings {
    /// Settings of all experiments from a file: the keys of `config.toml`.
    pub base: Table,
    /// Settings of all experiments from flags, which override the file.
    pub shared: Table,
    /// Architectures.
    pub models: Vec<String>,
    /// Weights by architecture, if they are not timm's own.
    pub weights: BTreeMap<String, String>,
    /// Strategies.
    pub strategies: Vec<Strategy>,
    /// Dotted keys of `config.toml`, each with the values to try.
    pub grid: Vec<(String, Vec<Value>)>,
    /// Seeds; if empty, that of the configuration.
    pub seeds: Vec<u32>,
}

/// Lists the experiments in the order in which they run.
///
/// # Errors
///
/// If the settings are misspelt or malformed. An experiment whose weights are missing or whose
/// settings make no sense is listed with the reason instead, and the others run.
pub fn plan(settings: &Settings) -> Result<Vec<Experiment>, Failure> {
    let mut experiments: Vec<Experiment> = Vec::new();
    let seeds: Vec<Option<u32>> = match settings.seeds.is_empty() {
        true => vec![None],
        false => settings.seeds.iter().copied().map(Some).collect(),
    };
    for model in &settings.models {
        for strategy in &settings.strategies {
            for combination in combinations(&settings.grid) {
                for seed in &seeds {
                    let experiment = experiment(settings, model, *strategy, &combination, *seed)?;
                    // A seed given twice is the same experiment.
                    if !experiments.iter().any(|other| other.label == experiment.label) {
                        experiments.push(experiment);
                    }
                }
            }
        }
    }
    Ok(experiments)
}

fn experiment(
    settings: &Settings,
    model: &str,
    strategy: Strategy,
    combination: &[(&str, &Value)],
    seed: Option<u32>,
) -> Result<Experiment, Failure> {
    let mut label = format!("{model} {strategy}");
    let mut flags = settings.shared.clone();
    insert(&mut flags, "model", Value::String(model.into()));
    insert(&mut flags, "strategy", Value::String(strategy.to_string()));
    if let Some(seed) = seed {
        insert(&mut flags, "seed", Value::Integer(seed.into()));
    }
    if let Some(weights) = settings.weights.get(model) {
        insert(&mut flags, "weights", Value::String(weights.clone()));
    }
    for (key, value) in combination {
        insert(&mut flags, key, (*value).clone());
        label += &format!(", {key} {value}");
    }
    if let Some(seed) = seed {
        label += &format!(", seed {seed}");
    }
    let config = match resolve(settings.base.clone(), flags) {
        Ok(config) => match check_hyperparameters(&config) {
            Ok(()) => Ok(config),
            Err(error) => Err(worded(&error)),
        },
        Err(Failure::Failed(reason)) => Err(reason),
        Err(failure) => return Err(failure),
    };
    Ok(Experiment { label, config })
}

/// Returns every combination of one value per key; the last key varies fastest. Without keys,
/// returns one empty combination.
fn combinations(grid: &[(String, Vec<Value>)]) -> Vec<Vec<(&str, &Value)>> {
    let Some(((key, values), rest)) = grid.split_first() else { return vec![Vec::new()] };
    let tails = combinations(rest);
    let with = |value| tails.iter().map(move |tail| [vec![(key.as_str(), value)], tail.clone()].concat());
    values.iter().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_meets_every_other() {
        let integers = |values: &[i64]| values.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        let grid = [("a".to_string(), integers(&[1, 2])), ("b".to_string(), integers(&[3, 4, 5]))];
        let all = combinations(&grid);
        assert_eq!(all.len(), 6);
        assert_eq!(all[1], [("a", &Value::Integer(1)), ("b", &Value::Integer(4))]);
        assert_eq!(combinations(&[]), [vec![]]);
    }
}
