//! Deals the experiments of a study to the tasks of a batch scheduler.

use std::collections::BTreeMap;

use kennel_core::{Shard, Strategy};

use crate::Experiment;

/// Keeps the experiments of a shard. All shards together have every experiment once, however many
/// of them are finished.
///
/// What belongs together stays together: experiments that share cached features, and networks that
/// `auto` compares with each other.
pub fn deal(shard: Shard, experiments: &mut Vec<Experiment>) {
    let mut shards: BTreeMap<Together, usize> = BTreeMap::new();
    let mut sizes = vec![0; shard.of()];
    // The largest groups first, each to the shard that has least.
    let mut groups: BTreeMap<Together, usize> = BTreeMap::new();
    for experiment in experiments.iter() {
        *groups.entry(together(experiment)).or_default() += 1;
    }
    let mut groups: Vec<(Together, usize)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    for (group, size) in groups {
        let smallest = (0..shard.of()).min_by_key(|&shard| sizes[shard]).expect("one at least");
        sizes[smallest] += size;
        shards.insert(group, smallest);
    }
    experiments.retain(|experiment| shards[&together(experiment)] == shard.index());
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
                deal(Shard::new(index, of).unwrap(), &mut ours);
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
}
