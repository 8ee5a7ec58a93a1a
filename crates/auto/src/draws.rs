//! What the trials of a search differ in.

use kennel_core::seed::stream_seed;
use kennel_core::{AugmentationSet, SchedulerKind, Settings, Strategy};

use crate::Result;

/// Factors from each stage to the one below it; with 1 all stages have the same rate.
const LAYER_DECAYS: [f64; 4] = [1.0, 0.9, 0.75, 0.6];

/// Stochastic depth of the last block.
const DROP_PATH_RATES: [f64; 3] = [0.0, 0.1, 0.2];

const AUGMENTATIONS: [AugmentationSet; 3] =
    [AugmentationSet::None, AugmentationSet::Light, AugmentationSet::Rrc];

/// Bounds of the learning rate, two decades. A new head alone takes larger steps than pretrained
/// layers.
fn learning_rates(strategy: Strategy) -> [f64; 2] {
    match strategy {
        Strategy::Freeze => [1e-4, 1e-2],
        Strategy::Partial | Strategy::Full | Strategy::Auto => [3e-5, 3e-3],
    }
}

/// Returns the settings of `count` trials. The first has the run's own; the others have a learning
/// rate and a set of augmentations that are drawn from the run's seed, and where more than the head
/// is trained, a layer decay and a rate of stochastic depth.
///
/// # Errors
///
/// Settings of a run that trains nothing.
pub fn trials(settings: &Settings, count: usize) -> Result<Vec<Settings>> {
    let own = Settings { search: None, refit: false, unknown_share: None, ..settings.clone() };
    let strategy = settings.strategy()?;
    let drawn = (1..count as u64).map(|trial| drawn(&own, strategy, trial));
    Ok(std::iter::once(own.clone()).chain(drawn).collect())
}

fn drawn(own: &Settings, strategy: Strategy, trial: u64) -> Settings {
    let [rate, decay, augmentation, drop_path] = uniform(own.seed, trial);
    let [low, high] = learning_rates(strategy);
    let drawn = Settings {
        learning_rate: two_digits(low * (high / low).powf(rate)).max(lowest(&own.scheduler)),
        augmentation: pick(AUGMENTATIONS, augmentation)
            .augmentation()
            .with_policy_of(&own.augmentation),
        ..own.clone()
    };
    if strategy == Strategy::Freeze && own.unfreeze.is_empty() {
        return drawn;
    }
    let decay = pick(LAYER_DECAYS, decay);
    Settings {
        layer_decay: (decay < 1.0).then_some(decay),
        drop_path_rate: pick(DROP_PATH_RATES, drop_path),
        ..drawn
    }
}

/// Draws numbers in [0, 1), one for each setting.
fn uniform(seed: u64, trial: u64) -> [f64; 4] {
    let bytes = stream_seed(seed, "search", &[trial]);
    let (words, _) = bytes.as_chunks::<8>();
    // The upper 53 bits, as many as an f64 holds.
    std::array::from_fn(|at| (u64::from_le_bytes(words[at]) >> 11) as f64 / (1u64 << 53) as f64)
}

fn pick<T: Copy, const N: usize>(among: [T; N], at: f64) -> T {
    among[(at * N as f64) as usize]
}

/// Rounds to two digits, so that the rate can be read, and typed.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().expect("a number that was just written")
}

/// The rate at which a schedule ends; no peak may be below it.
fn lowest(scheduler: &SchedulerKind) -> f64 {
    match *scheduler {
        SchedulerKind::Plateau { min_learning_rate, .. }
        | SchedulerKind::Cosine { min_learning_rate } => min_learning_rate,
        SchedulerKind::Step { .. } | SchedulerKind::OneCycle { .. } | SchedulerKind::Constant => {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing, Weights};

    use super::*;

    fn settings(strategy: Strategy) -> Settings {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let settings = Settings::published("a".into(), Weights::Random, strategy, preprocessing);
        Settings { search: Some(64), unknown_share: Some(0.01), ..settings }
    }

    #[test]
    fn the_first_trial_is_the_run_itself_and_the_others_are_within_bounds() {
        for strategy in Strategy::PUBLISHED {
            let settings = settings(strategy);
            let trials = trials(&settings, 64).unwrap();
            let own = Settings { search: None, unknown_share: None, ..settings.clone() };
            assert_eq!((trials.len(), &trials[0]), (64, &own));
            let [low, high] = learning_rates(strategy);
            for trial in &trials {
                assert_eq!(trial.check(), Ok(()));
                assert!((low..=high).contains(&trial.learning_rate) || trial == &own, "{trial:?}");
            }
            let decades = trials[1..].iter().filter(|trial| trial.learning_rate < 10.0 * low);
            assert!((20..=44).contains(&decades.count()), "half are in the lower decade");
            let differ = trials.iter().any(|trial| trial.layer_decay.is_some());
            assert_eq!(differ, strategy != Strategy::Freeze);
        }
    }

    #[test]
    fn more_trials_begin_with_the_same_ones_and_another_seed_draws_others() {
        let settings = settings(Strategy::Full);
        let few = trials(&settings, 4).unwrap();
        assert_eq!(few[..], trials(&settings, 9).unwrap()[..4]);
        let other = trials(&Settings { seed: 7, ..settings }, 4).unwrap();
        assert_ne!(few[1].learning_rate, other[1].learning_rate);
    }

    #[test]
    fn no_rate_is_below_the_end_of_the_schedule() {
        let scheduler = SchedulerKind::Cosine { min_learning_rate: 1e-3 };
        let settings = Settings { scheduler, learning_rate: 1e-3, ..settings(Strategy::Partial) };
        for trial in trials(&settings, 64).unwrap() {
            assert_eq!(trial.check(), Ok(()));
        }
    }
}
