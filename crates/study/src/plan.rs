//! Plans the experiments of a study: each model with each strategy, each combination of settings
//! and each seed.

use std::collections::BTreeMap;

use kennel_core::{PartialSettings, Settings, SettingsError, Strategy, Weights};
use toml::Value;

use crate::{Experiment, Place, State};

/// What a study is made of.
#[derive(Clone, Debug)]
pub struct Study {
    /// Settings of all experiments from a file.
    pub base: PartialSettings,
    /// Settings of all experiments from flags, which override the file.
    pub shared: PartialSettings,
    /// Architectures.
    pub models: Vec<String>,
    /// Weights by architecture, if they are not timm's own.
    pub weights: BTreeMap<String, Weights>,
    /// Strategies.
    pub strategies: Vec<Strategy>,
    /// Dotted keys of `config.toml`, each with the values to try.
    pub grid: Vec<(String, Vec<Value>)>,
    /// Seeds; if empty, that of the settings.
    pub seeds: Vec<u32>,
}

/// Why settings could not be completed.
#[derive(Debug)]
pub enum Unresolved<E> {
    /// The experiment cannot be run, for this reason. The others can.
    Experiment(String),
    /// No experiment can be planned.
    Study(E),
}

impl Study {
    /// Lists the experiments in the order in which they run. `resolve` completes the settings of
    /// each, and finds its weights.
    ///
    /// # Errors
    ///
    /// Settings that are misspelt or malformed. An experiment whose weights are missing or whose
    /// settings make no sense is listed with the reason instead, and the others run.
    pub fn plan<E: From<SettingsError>>(
        &self,
        resolve: impl Fn(PartialSettings) -> Result<Settings, Unresolved<E>>,
    ) -> Result<Vec<Experiment>, E> {
        let mut experiments = Vec::new();
        let asked = self.asked()?;
        let of = asked.len();
        for (index, Asked { label, combination, settings: asked }) in (1..).zip(asked) {
            let settings = match resolve(asked) {
                Ok(settings) => match settings.check() {
                    Ok(()) => Ok(settings),
                    Err(error) => Err(error.to_string()),
                },
                Err(Unresolved::Experiment(reason)) => Err(reason),
                Err(Unresolved::Study(error)) => return Err(error),
            };
            let place = Place { index, of };
            experiments.push(Experiment { place, label, combination, settings, state: State::New });
        }
        Ok(experiments)
    }

    /// Returns the label and the settings of every experiment.
    fn asked(&self) -> Result<Vec<Asked>, SettingsError> {
        let mut all: Vec<Asked> = Vec::new();
        let seeds: Vec<Option<u32>> = match self.seeds.is_empty() {
            true => vec![None],
            false => self.seeds.iter().copied().map(Some).collect(),
        };
        for model in &self.models {
            for strategy in &self.strategies {
                let each_seed = |values| seeds.iter().map(move |seed| (values, *seed));
                let of_grid = combinations(&self.grid);
                for (combination, (values, seed)) in of_grid.iter().flat_map(each_seed).enumerate()
                {
                    let (label, settings) = self.experiment(model, *strategy, values, seed)?;
                    // A seed given twice is the same experiment.
                    if !all.iter().any(|other| other.label == label) {
                        all.push(Asked { label, combination, settings });
                    }
                }
            }
        }
        Ok(all)
    }

    /// Returns the label and the settings of an experiment.
    fn experiment(
        &self,
        model: &str,
        strategy: Strategy,
        combination: &[(&str, &Value)],
        seed: Option<u32>,
    ) -> Result<(String, PartialSettings), SettingsError> {
        let mut label = format!("{model} {strategy}");
        let shared = &self.shared;
        let mut flags = PartialSettings {
            model: Some(model.into()),
            strategy: Some(strategy.into()),
            seed: seed.map(u64::from).or(shared.seed),
            weights: self.weights.get(model).cloned().or_else(|| shared.weights.clone()),
            ..shared.clone()
        };
        for (key, value) in combination {
            flags.set(key, (*value).clone())?;
            label += &format!(", {key} {value}");
        }
        if let Some(seed) = seed {
            label += &format!(", seed {seed}");
        }
        Ok((label, self.base.clone().layered(flags)))
    }
}

/// An experiment whose settings are not completed yet.
struct Asked {
    label: String,
    /// As in [`Experiment`].
    combination: usize,
    settings: PartialSettings,
}

/// Returns every combination of one value per key; the last key varies fastest. Without keys,
/// returns one empty combination.
fn combinations(grid: &[(String, Vec<Value>)]) -> Vec<Vec<(&str, &Value)>> {
    let Some(((key, values), rest)) = grid.split_first() else { return vec![Vec::new()] };
    let tails = combinations(rest);
    let with =
        |value| tails.iter().map(move |tail| [vec![(key.as_str(), value)], tail.clone()].concat());
    values.iter().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing};

    use super::*;

    #[test]
    fn an_experiment_without_settings_is_listed_with_the_reason() {
        let study = Study {
            base: PartialSettings { epochs: Some(3), ..PartialSettings::default() },
            shared: PartialSettings { batch_size: Some(8), ..PartialSettings::default() },
            models: vec!["known".into(), "unknown".into()],
            weights: BTreeMap::new(),
            strategies: vec![Strategy::Freeze],
            grid: vec![("drop_rate".into(), vec![Value::Float(0.1), Value::Float(2.5)])],
            seeds: vec![7, 7],
        };
        let resolve = |asked: PartialSettings| match asked.model.as_deref() {
            Some("known") => {
                let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
                asked.complete(Weights::Random, preprocessing).map_err(Unresolved::Study)
            }
            _ => Err(Unresolved::Experiment("no weights".into())),
        };
        let planned = study.plan::<SettingsError>(resolve).unwrap();
        let labels: Vec<&str> =
            planned.iter().map(|experiment| experiment.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "known freeze, drop_rate 0.1, seed 7",
                "known freeze, drop_rate 2.5, seed 7",
                "unknown freeze, drop_rate 0.1, seed 7",
                "unknown freeze, drop_rate 2.5, seed 7",
            ]
        );
        let combinations: Vec<usize> =
            planned.iter().map(|experiment| experiment.combination).collect();
        assert_eq!(combinations[..2], combinations[2..], "the same settings of another network");
        assert_ne!(combinations[0], combinations[1]);
        let first = planned[0].settings.as_ref().unwrap();
        assert_eq!((first.epochs, first.batch_size, first.seed), (3, 8, 7));
        let reasons: Vec<_> = planned[1..].iter().filter_map(Experiment::failure).collect();
        assert!(reasons[0].reason.contains("drop_rate is 2.5"), "{}", reasons[0].reason);
        assert_eq!(reasons[1].reason, "no weights");

        let misspelt = Study { grid: vec![("drop_rat".into(), vec![Value::Float(0.1)])], ..study };
        assert!(misspelt.plan::<SettingsError>(resolve).is_err());
    }

    #[test]
    fn every_value_meets_every_other() {
        let integers =
            |values: &[i64]| values.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        let grid = [("a".to_string(), integers(&[1, 2])), ("b".to_string(), integers(&[3, 4, 5]))];
        let all = combinations(&grid);
        assert_eq!(all.len(), 6);
        assert_eq!(all[1], [("a", &Value::Integer(1)), ("b", &Value::Integer(4))]);
        assert_eq!(combinations(&[]), [vec![]]);
    }
}
