//! Learning-rate schedules, as in `torch.optim.lr_scheduler`.

use std::f64::consts::PI;

use kennel_core::SchedulerKind;
use serde::{Deserialize, Serialize};

/// A schedule and its state. All but the plateau schedule are pure functions of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    kind: SchedulerKind,
    warmup_epochs: f64,
    peak: f64,
    epochs: usize,
    steps_per_epoch: usize,
    plateau: Plateau,
}

/// State of `ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// Current rate.
    pub rate: f64,
    /// Lowest loss so far; None before the first.
    pub best: Option<f64>,
    /// Epochs without an improvement, since the last one or the last reduction.
    pub bad_epochs: usize,
}

/// Smallest relative decrease of the loss that counts as an improvement.
const THRESHOLD: f64 = 1e-4;
/// Smaller changes of the rate are not applied.
const EPS: f64 = 1e-8;

impl Schedule {
    /// A schedule at its beginning; `learning_rate` is the peak.
    pub fn new(
        kind: SchedulerKind,
        warmup_epochs: f64,
        learning_rate: f64,
        epochs: usize,
        steps_per_epoch: usize,
    ) -> Self {
        let plateau = Plateau { rate: learning_rate, best: None, bad_epochs: 0 };
        Self { kind, warmup_epochs, peak: learning_rate, epochs, steps_per_epoch, plateau }
    }

    /// Returns the rate of a step. `epoch` and `step` (within the epoch) count from 0. During
    /// warm-up the schedule's own rate is multiplied by a factor that rises linearly to 1.
    pub fn learning_rate(&self, epoch: usize, step: usize) -> f64 {
        let now = (epoch * self.steps_per_epoch + step) as f64;
        let rate = match self.kind {
            SchedulerKind::Constant => self.peak,
            SchedulerKind::Plateau { .. } => self.plateau.rate,
            SchedulerKind::Cosine { min_learning_rate } => {
                let turn = epoch as f64 / self.epochs as f64;
                min_learning_rate
                    + (self.peak - min_learning_rate) * (1.0 + (PI * turn).cos()) / 2.0
            }
            SchedulerKind::Step { step_size, gamma } => {
                self.peak * gamma.powi((epoch / step_size.max(1)) as i32)
            }
            SchedulerKind::OneCycle { pct_start, div_factor, final_div_factor } => {
                let first = self.peak / div_factor;
                let last = first / final_div_factor;
                let total = (self.epochs * self.steps_per_epoch) as f64;
                let top = pct_start * total - 1.0;
                let between = |from: f64, to: f64, share: f64| {
                    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
                };
                // Without a step that climbs, the first is at the peak.
                if top > 0.0 && now <= top {
                    between(first, self.peak, now / top)
                } else {
                    between(self.peak, last, (now - top) / (total - 1.0 - top))
                }
            }
        };
        let warmup_steps = self.warmup_epochs * self.steps_per_epoch as f64;
        if now + 1.0 < warmup_steps { rate * (now + 1.0) / warmup_steps } else { rate }
    }

    /// Updates the schedule with the loss of an epoch: that of the validation photos, or, where a
    /// run has none, that of training.
    pub fn end_epoch(&mut self, loss: f64) {
        let SchedulerKind::Plateau { factor, patience, min_learning_rate } = self.kind else {
            return;
        };
        let plateau = &mut self.plateau;
        // NaN is never better, as in PyTorch.
        let is_better =
            plateau.best.map_or(loss < f64::INFINITY, |best| loss < best * (1.0 - THRESHOLD));
        if is_better {
            plateau.best = Some(loss);
            plateau.bad_epochs = 0;
        } else {
            plateau.bad_epochs += 1;
        }
        if plateau.bad_epochs > patience {
            let reduced = (plateau.rate * factor).max(min_learning_rate);
            if plateau.rate - reduced > EPS {
                plateau.rate = reduced;
            }
            plateau.bad_epochs = 0;
        }
    }

    /// Returns the state that a resumed run needs.
    pub fn plateau(&self) -> Plateau {
        self.plateau
    }

    /// Restores the state of [`Schedule::plateau`].
    pub fn resume(mut self, plateau: Plateau) -> Self {
        self.plateau = plateau;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// torch's own rates: `tools/fixtures/schedules.py`.
    #[test]
    fn rates_are_those_of_torch() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../tests/fixtures/schedules/expected.json"))
                .unwrap();
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        for case in &cases {
            let setting =
                |name: &str, default: f64| case["settings"][name].as_f64().unwrap_or(default);
            let rates: Vec<f64> = case["rates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|rate| rate.as_f64().unwrap())
                .collect();
            let scheduler = case["scheduler"].as_str().unwrap();
            let kind = match scheduler {
                "plateau" => SchedulerKind::Plateau {
                    factor: setting("factor", 0.1),
                    patience: setting("patience", 10.0) as usize,
                    min_learning_rate: setting("min_lr", 0.0),
                },
                "cosine" => SchedulerKind::Cosine { min_learning_rate: setting("eta_min", 0.0) },
                "step" => SchedulerKind::Step {
                    step_size: setting("step_size", 1.0) as usize,
                    gamma: setting("gamma", 0.1),
                },
                "one_cycle" => SchedulerKind::OneCycle {
                    pct_start: setting("pct_start", 0.3),
                    div_factor: setting("div_factor", 25.0),
                    final_div_factor: setting("final_div_factor", 1e4),
                },
                other => panic!("{other}"),
            };
            *seen.entry(scheduler.into()).or_default() += 1;
            let (epochs, steps) = match scheduler {
                "cosine" => (setting("T_max", 0.0) as usize, 1),
                "one_cycle" => (1, setting("total_steps", 0.0) as usize),
                _ => (rates.len(), 1),
            };
            let mut schedule = Schedule::new(kind, 0.0, setting("lr", 0.0), epochs, steps);
            for (index, expected) in rates.iter().enumerate() {
                let (epoch, step) = if scheduler == "one_cycle" { (0, index) } else { (index, 0) };
                let found = schedule.learning_rate(epoch, step);
                assert!(
                    (found - expected).abs() <= 1e-12 + 1e-9 * expected,
                    "{case}: {index}: {found}"
                );
                if let Some(losses) = case["losses"].as_array() {
                    schedule.end_epoch(losses[index].as_f64().unwrap_or(f64::NAN));
                    // A run that stops and resumes here keeps its state.
                    let plateau: Plateau =
                        serde_json::from_str(&serde_json::to_string(&schedule.plateau()).unwrap())
                            .unwrap();
                    schedule = schedule.resume(plateau);
                }
            }
        }
        assert_eq!(seen.keys().collect::<Vec<_>>(), ["cosine", "one_cycle", "plateau", "step"]);
    }

    #[test]
    fn warm_up_climbs_to_the_rate_and_then_leaves_it_alone() {
        let schedule = Schedule::new(SchedulerKind::Constant, 2.0, 1.0, 3, 2);
        let rates: Vec<f64> = (0..6).map(|now| schedule.learning_rate(now / 2, now % 2)).collect();
        assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    proptest::proptest! {
        #[test]
        fn rates_are_never_negative_and_never_above_the_peak(
            kind in 0usize..5,
            (peak, share, factor) in (1e-6f64..1.0, 0.05f64..0.95, 0.01f64..0.99),
            (epochs, steps_per_epoch) in (1usize..30, 1usize..20),
            is_short in proptest::bool::ANY,
            warmup_epochs in 0.0f64..5.0,
            losses in proptest::collection::vec(0.0f64..10.0, 30),
        ) {
            let kind = match kind {
                0 => SchedulerKind::Constant,
                1 => SchedulerKind::Plateau { factor, patience: 2, min_learning_rate: 0.0 },
                2 => SchedulerKind::Cosine { min_learning_rate: 0.0 },
                3 => SchedulerKind::Step { step_size: 3, gamma: factor },
                _ => {
                    // A climb of exactly one step.
                    let one_step = 1.0 / (epochs * steps_per_epoch) as f64;
                    let pct_start = if is_short { one_step.min(0.99) } else { share };
                    SchedulerKind::OneCycle { pct_start, div_factor: 25.0, final_div_factor: 1e4 }
                }
            };
            let mut schedule = Schedule::new(kind.clone(), warmup_epochs, peak, epochs, steps_per_epoch);
            for (epoch, loss) in losses.iter().enumerate().take(epochs) {
                for step in 0..steps_per_epoch {
                    let rate = schedule.learning_rate(epoch, step);
                    proptest::prop_assert!(rate >= 0.0 && rate <= peak * (1.0 + 1e-9), "{rate} of \
                        {peak}");
                }
                schedule.end_epoch(*loss);
            }
        }
    }
}
