//! How many epochs of a fine-tuning fit into the time that is left.

use std::time::Instant;

use kennel_core::{RunDir, Settings, Split, SplitCounts};
use kennel_infer::Compute;

use crate::recipe::{FEWEST_EPOCHS, SHARES};
use crate::{Rates, Result, estimate_s};

/// Share of the time left that is planned. Estimates come from one step on an idle machine.
const PLANNED: f64 = 0.9;

/// The time that a run of `auto` may take.
pub struct Budget<'a> {
    seconds: Option<f64>,
    /// How often the chosen network is trained: once, or again on all photos.
    trainings: f64,
    /// Seconds that earlier processes trained.
    before_s: f64,
    began: Instant,
    photos: SplitCounts,
    compute: &'a Compute,
    rates: Rates,
}

impl<'a> Budget<'a> {
    /// Reads from the trials how long earlier processes trained.
    ///
    /// # Errors
    ///
    /// Trials that are damaged.
    pub fn new(
        settings: &Settings,
        photos: SplitCounts,
        trials: &[RunDir],
        compute: &'a Compute,
    ) -> Result<Self> {
        let mut before_s = 0.0;
        for trial in trials {
            let history = if trial.metrics().exists() { trial.read_metrics()? } else { Vec::new() };
            before_s += history.last().map_or(0.0, |epoch| epoch.elapsed_s);
        }
        let (seconds, began, rates) = (settings.budget_s, Instant::now(), Rates::default());
        let trainings = if settings.refit { 2.0 } else { 1.0 };
        Ok(Budget { seconds, trainings, before_s, began, photos, compute, rates })
    }

    /// The epochs of a fine-tuning that fit, at most those of its settings. None if fewer than
    /// [`FEWEST_EPOCHS`] do.
    ///
    /// # Errors
    ///
    /// A model that does not exist.
    pub fn epochs(&mut self, trial: &Settings) -> Result<Option<usize>> {
        let Some(seconds) = self.seconds else { return Ok(Some(trial.epochs)) };
        let left_s = seconds - self.before_s - self.began.elapsed().as_secs_f64();
        // What comes after the epochs: the averages on validation photos, and the test photos.
        let judged = SplitCounts {
            train: 0,
            val: self.photos.of(Split::Val) * SHARES.len(),
            test: self.photos.of(Split::Test),
        };
        let after = Settings { epochs: 1, ..trial.clone() };
        let after_s = estimate_s(&after, judged, 0, &mut self.rates, self.compute)?;
        for epochs in (FEWEST_EPOCHS.min(trial.epochs)..=trial.epochs).rev() {
            let shorter = Settings { epochs, ..trial.clone() };
            let train_s = estimate_s(&shorter, self.photos, 0, &mut self.rates, self.compute)?;
            if self.trainings * train_s + after_s <= PLANNED * left_s {
                return Ok(Some(epochs));
            }
        }
        Ok(None)
    }
}
