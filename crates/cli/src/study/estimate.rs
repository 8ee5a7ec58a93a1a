//! Estimates how long an experiment takes, from the speed of this machine.

use std::collections::HashMap;

use kennel_core::{RunConfig, Split, SplitCounts, Strategy};
use kennel_infer::{BenchOptions, Compute, bench_infer};
use kennel_models::architecture;
use kennel_train::bench_step;

use crate::failure::Failure;

/// Seconds of an epoch besides its photos, and seconds per parameter to write its checkpoints.
/// Measured on two cores, an epoch of cached features took 0.008 s (`test_resnet`), 0.034 s
/// (`mobilenetv2_100`) and 0.30 s (`resnet50`).
const EPOCH_S: f64 = 0.01;
const PARAMETER_S: f64 = 11e-9;

/// Images/s by model and strategy, each measured once.
#[derive(Default)]
pub struct Rates {
    measured: HashMap<(String, Strategy), f64>,
}

impl Rates {
    fn of(&mut self, config: &RunConfig, strategy: Strategy, compute: &Compute) -> Result<f64, Failure> {
        let key = (config.model.clone(), strategy);
        if let Some(rate) = self.measured.get(&key) {
            return Ok(*rate);
        }
        let options = BenchOptions {
            model: config.model.clone(),
            batch_size: config.batch_size.min(16),
            repeats: 1,
            warmup: 1,
        };
        let bench = match strategy {
            Strategy::ZeroShot => bench_infer(&options, compute)?,
            trained => bench_step(trained, &options, compute)?,
        };
        let rate = bench.rate.images_per_s;
        self.measured.insert(key, rate);
        Ok(rate)
    }
}

/// Estimates the seconds of a new run, excluding the reading of photos and the `kept` photos whose
/// features are cached.
pub fn estimate_s(
    config: &RunConfig,
    photos: SplitCounts,
    kept: usize,
    rates: &mut Rates,
    compute: &Compute,
) -> Result<f64, Failure> {
    let of = |split: Split| photos.of(split) as f64;
    let (train, val, test) = (of(Split::Train), of(Split::Val), of(Split::Test));
    let epochs = config.epochs as f64;
    let infer = rates.of(config, Strategy::ZeroShot, compute)?;
    let views = epochs.min(config.feature_views as f64);
    let trunk_s = (train * views + val + test - kept as f64).max(0.0) / infer;
    let saved_s = EPOCH_S + PARAMETER_S * architecture(&config.model)?.parameters as f64;
    let computed_s = match config.strategy {
        // The backbone sees each view once. After that, an epoch's steps cost almost nothing in
        // `freeze`, and a step minus a forward pass in `partial`.
        Strategy::Freeze if views > 0.0 => trunk_s,
        Strategy::Partial if views > 0.0 => {
            let step_s = 1.0 / rates.of(config, config.strategy, compute)?;
            trunk_s + epochs * train * (step_s - 1.0 / infer).max(0.0)
        }
        strategy => epochs * (train / rates.of(config, strategy, compute)? + val / infer) + test / infer,
    };
    Ok(computed_s + epochs * saved_s)
}
