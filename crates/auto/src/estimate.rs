//! Estimates how long a run takes, from the speed of this machine.

use std::collections::HashMap;

use kennel_core::{Settings, Split, SplitCounts, Strategy};
use kennel_infer::{BenchOptions, Compute, bench_infer};
use kennel_models::architecture;
use kennel_train::{Result, bench_step};

use crate::halving::epochs_of_all;
use crate::recipe::fine_tunings;

/// Seconds of an epoch besides its photos, and seconds per parameter to write its checkpoints.
/// Measured on two cores, an epoch of cached features took 0.008 s (`test_resnet`), 0.034 s
/// (`mobilenetv2_100`) and 0.30 s (`resnet50`).
const EPOCH_S: f64 = 0.01;
const PARAMETER_S: f64 = 11e-9;

/// Images/s by model and strategy (none for inference), each measured once.
#[derive(Debug, Default)]
pub struct Rates {
    measured: HashMap<(String, Option<Strategy>), f64>,
}

impl Rates {
    fn of(
        &mut self,
        settings: &Settings,
        strategy: Option<Strategy>,
        compute: &Compute,
    ) -> Result<f64> {
        let key = (settings.model.clone(), strategy);
        if let Some(rate) = self.measured.get(&key) {
            return Ok(*rate);
        }
        let options = BenchOptions {
            model: settings.model.clone(),
            side_px: Some(settings.preprocessing.side_px),
            batch_size: settings.batch_size.min(16),
            repeats: 1,
            warmup: 1,
        };
        let bench = match strategy {
            None => bench_infer(&options, compute)?,
            Some(strategy) => bench_step(strategy, &options, compute)?,
        };
        let rate = bench.rate.images_per_s;
        self.measured.insert(key, rate);
        Ok(rate)
    }
}

/// Estimates the seconds of a new run, excluding the reading of photos and the `kept` photos whose
/// features are cached.
///
/// # Errors
///
/// As [`bench_infer`] and [`bench_step`].
pub fn estimate_s(
    settings: &Settings,
    photos: SplitCounts,
    kept: usize,
    rates: &mut Rates,
    compute: &Compute,
) -> Result<f64> {
    if let Some(count) = settings.folds {
        let settings = Settings { folds: None, ..settings.clone() };
        let (all, test) = (photos.train + photos.val, photos.test);
        let val = all / count.max(1);
        let fold = SplitCounts { train: all - val, val, test: 0 };
        let last = SplitCounts { train: all, val: 0, test };
        return Ok(count as f64 * estimate_s(&settings, fold, 0, rates, compute)?
            + estimate_s(&settings, last, 0, rates, compute)?);
    }
    if settings.refit {
        let settings = Settings { refit: false, ..settings.clone() };
        let all = SplitCounts { train: photos.train + photos.val, val: 0, test: 0 };
        return Ok(estimate_s(&settings, photos, kept, rates, compute)?
            + estimate_s(&Settings { search: None, ..settings }, all, 0, rates, compute)?);
    }
    if let Some(count) = settings.search {
        let one = Settings { search: None, ..settings.clone() };
        let trainings = epochs_of_all(count, one.epochs) as f64 / one.epochs as f64;
        return Ok(trainings * estimate_s(&one, photos, kept, rates, compute)?);
    }
    let of = |split: Split| photos.of(split) as f64;
    let view = cost_of_view(settings);
    let (train, val, test) = (of(Split::Train), view * of(Split::Val), view * of(Split::Test));
    let epochs = settings.epochs as f64;
    let infer = rates.of(settings, None, compute)?;
    let strategies = match settings.strategy()? {
        Strategy::Auto => {
            fine_tunings(settings).iter().map(Settings::strategy).collect::<Result<_, _>>()?
        }
        strategy => vec![strategy],
    };
    let mixed = (0..settings.epochs).filter(|&epoch| settings.mixes(epoch)).count() as f64;
    // Photos that are mixed pass the frozen part in every epoch.
    let passes = mixed + (epochs - mixed).min(settings.feature_views as f64);
    let trunk_s = (train * passes + val + test - kept as f64).max(0.0) / infer;
    let saved_s = EPOCH_S + PARAMETER_S * architecture(&settings.model)?.parameters as f64;
    let mut total_s = 0.0;
    for strategy in strategies {
        let mut step = || rates.of(settings, Some(strategy), compute);
        total_s += epochs * saved_s;
        total_s += match strategy {
            // The backbone sees each view once. After that, an epoch's steps cost almost nothing
            // in `freeze`, and a step minus a forward pass in `partial`.
            Strategy::Freeze if settings.feature_views > 0 => trunk_s,
            Strategy::Partial if settings.feature_views > 0 => {
                let step_s = 1.0 / step()?;
                trunk_s + epochs * train * (step_s - 1.0 / infer).max(0.0)
            }
            _ => epochs * (train / step()? + val / infer) + test / infer,
        };
    }
    Ok(total_s)
}

/// Time to evaluate a photo in the test view, relative to that at the side of training.
fn cost_of_view(settings: &Settings) -> f64 {
    let view = settings.test_view();
    let larger = f64::from(view.preprocessing.side_px) / f64::from(settings.preprocessing.side_px);
    let images = if view.flip { 2.0 } else { 1.0 };
    images * larger.powi(2)
}
