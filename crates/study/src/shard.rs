//! Deals the experiments of a study to the tasks of a batch scheduler.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use kennel_core::Strategy;

use crate::Experiment;

/// One of several equal shares of a study's experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: usize,
    /// Number of shards, at least 1.
    of: usize,
}

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected I/N with I from 0 to N - 1, such as 0/4")]
pub struct NotAShard;

impl Shard {
    /// The shard with this index, from 0, of so many.
    ///
    /// # Errors
    ///
    /// [`NotAShard`] unless `index < of`.
    pub fn new(index: usize, of: usize) -> Result<Self, NotAShard> {
        if index < of { Ok(Self { index, of }) } else { Err(NotAShard) }
    }

    /// Whether it scores the untouched networks.
    pub fn is_first(self) -> bool {
        self.index == 0
    }

    /// Keeps the experiments of this shard. All shards together have every experiment once, however
    /// many of them are finished.
    ///
    /// What belongs together stays together: experiments that share cached features, and networks
    /// that `auto` compares with each other.
    pub fn keep(self, experiments: &mut Vec<Experiment>) {
        let mut shards: BTreeMap<Together, usize> = BTreeMap::new();
        let mut sizes = vec![0; self.of];
        // The largest groups first, each to the shard that has least.
        let mut groups: BTreeMap<Together, usize> = BTreeMap::new();
        for experiment in experiments.iter() {
            *groups.entry(together(experiment)).or_default() += 1;
        }
        let mut groups: Vec<(Together, usize)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        for (group, size) in groups {
            let smallest = (0..self.of).min_by_key(|&shard| sizes[shard]).expect("one at least");
            sizes[smallest] += size;
            shards.insert(group, smallest);
        }
        experiments.retain(|experiment| shards[&together(experiment)] == self.index);
    }
}

/// What experiments of one group have in common.
type Together = String;

fn together(experiment: &Experiment) -> Together {
    let Ok(settings) = &experiment.settings else { return experiment.label.clone() };
    match settings.strategy() {
        Ok(Strategy::Auto) => format!("auto {}", experiment.combination),
        Ok(Strategy::Freeze | Strategy::Partial) if settings.unfreeze.is_empty() => format!(
            "{} {} {} {:?}",
            settings.model, settings.weights, settings.seed, settings.augmentation
        ),
        _ => experiment.label.clone(),
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, NotAShard> {
        let (index, of) = text.split_once('/').ok_or(NotAShard)?;
        let number = |text: &str| text.parse().map_err(|_| NotAShard);
        Self::new(number(index)?, number(of)?)
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing, Settings, Weights};

    use super::*;
    use crate::{Place, State};

    fn experiments() -> Vec<Experiment> {
        let mut all = Vec::new();
        for model in ["resnet18", "resnet50"] {
            for strategy in [Strategy::Freeze, Strategy::Partial, Strategy::Full, Strategy::Auto] {
                for seed in 0..3 {
                    let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
                    let recipe =
                        Settings::published(model.into(), Weights::Random, strategy, preprocessing);
                    all.push(Experiment {
                        place: Place { index: all.len() + 1, of: 24 },
                        label: format!("{model} {strategy}, seed {seed}"),
                        combination: seed as usize,
                        settings: Ok(Settings { seed, ..recipe }),
                        state: State::New,
                    });
                }
            }
        }
        all
    }

    #[test]
    fn every_experiment_is_dealt_once_and_what_belongs_together_stays_together() {
        let all = experiments();
        for of in [1, 2, 5, 30] {
            let shard = |index| {
                let mut ours = all.clone();
                Shard::new(index, of).unwrap().keep(&mut ours);
                ours.into_iter().map(|experiment| experiment.label).collect::<Vec<_>>()
            };
            let shards: Vec<Vec<String>> = (0..of).map(shard).collect();
            let dealt = |label: &String| shards.iter().flatten().filter(|it| *it == label).count();
            assert!(all.iter().all(|experiment| dealt(&experiment.label) == 1), "{of} shards");
            let sizes = || shards.iter().map(Vec::len);
            assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 2, "{shards:?}");
            for ours in &shards {
                for label in ours {
                    let partner = match label.contains("auto") {
                        true => label.replace("resnet18", "resnet50"),
                        false => label.replace("freeze", "partial"),
                    };
                    assert!(ours.contains(&partner), "{label} and {partner}");
                }
            }
        }
    }

    #[test]
    fn a_shard_is_an_index_below_a_number() {
        assert_eq!("3/4".parse(), Shard::new(3, 4));
        assert_eq!(Shard::new(3, 4).unwrap().to_string(), "3/4");
        for wrong in ["4/4", "0/0", "1", "a/4", "-1/4", "1/4/5", ""] {
            assert_eq!(wrong.parse::<Shard>(), Err(NotAShard), "{wrong}");
        }
    }
}
