//! What a run of `auto` trains.

use kennel_core::{HeadFit, SchedulerKind, Settings, Strategy};

/// Shares of the fine-tuned weights in the averages that are compared. A share of 1 is the
/// fine-tuned network itself.
pub const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// Fewest mistakes on validation photos, out of fold, that fine-tuning could be seen to mend. Six
/// mistakes that all become right are significant by McNemar's exact test (p = 0.031), five are not
/// (0.0625).
pub const RESOLVABLE: usize = 6;

/// Settings of the convex head on the frozen network.
pub fn probe(settings: &Settings) -> Settings {
    Settings {
        method: Strategy::Freeze.into(),
        head: HeadFit::Convex,
        epochs: 1,
        // These say how steps are taken, and it takes none.
        label_smoothing: 0.0,
        warmup_epochs: 0.0,
        scheduler: SchedulerKind::Constant,
        ema: None,
        budget_s: None,
        refit: false,
        unknown_share: None,
        ..settings.clone()
    }
}

/// Fewest epochs of a fine-tuning that a budget cuts short. Fewer are a warm-up and little more.
pub const FEWEST_EPOCHS: usize = 3;

/// Share of known photos that a run may refuse as unknown, if its settings name none.
pub const UNKNOWN_SHARE: f64 = 0.01;

/// Settings of the fine-tunings, from the fewest trained layers.
pub fn fine_tunings(settings: &Settings) -> Vec<Settings> {
    let trial = |strategy: Strategy| Settings {
        method: strategy.into(),
        budget_s: None,
        refit: false,
        unknown_share: None,
        ..settings.clone()
    };
    [Strategy::Partial, Strategy::Full].map(trial).into()
}
