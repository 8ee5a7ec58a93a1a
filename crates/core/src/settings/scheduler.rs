//! The learning rate over time.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// The learning rate over time, with the names and definitions of `torch.optim.lr_scheduler`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum SchedulerKind {
    /// `ReduceLROnPlateau` on the validation loss (relative threshold 1e-4), once an epoch.
    Plateau {
        /// Factor on the learning rate at each reduction.
        factor: f64,
        /// Epochs without improvement that are tolerated.
        patience: usize,
        /// Lower bound of the learning rate.
        min_learning_rate: f64,
    },
    /// `CosineAnnealingLR` over all epochs, once an epoch.
    Cosine {
        /// Final learning rate.
        min_learning_rate: f64,
    },
    /// `StepLR`, once an epoch.
    Step {
        /// Epochs between two steps.
        step_size: usize,
        /// Factor on the learning rate at each step.
        gamma: f64,
    },
    /// `OneCycleLR` (cosine, two phases), once a batch, with the configured rate as the peak.
    OneCycle {
        /// Share of the steps in which the rate climbs.
        pct_start: f64,
        /// Peak rate divided by the first rate.
        div_factor: f64,
        /// First rate divided by the last rate.
        final_div_factor: f64,
    },
    /// A constant learning rate.
    Constant,
}

impl SchedulerKind {
    /// The published schedule: PyTorch's plateau, with a patience of 3 in place of 10.
    pub const fn plateau() -> Self {
        SchedulerKind::Plateau { factor: 0.1, patience: 3, min_learning_rate: 0.0 }
    }

    /// A cosine down to 0.
    pub const fn cosine() -> Self {
        SchedulerKind::Cosine { min_learning_rate: 0.0 }
    }

    /// A tenth of the rate every 5 epochs. (PyTorch has no default for the number of epochs.)
    pub const fn step() -> Self {
        SchedulerKind::Step { step_size: 5, gamma: 0.1 }
    }

    /// PyTorch's defaults of one cycle.
    pub const fn one_cycle() -> Self {
        SchedulerKind::OneCycle { pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 }
    }

    /// Returns its name on the command line and in files.
    pub const fn name(&self) -> &'static str {
        match self {
            SchedulerKind::Plateau { .. } => "plateau",
            SchedulerKind::Cosine { .. } => "cosine",
            SchedulerKind::Step { .. } => "step",
            SchedulerKind::OneCycle { .. } => "one_cycle",
            SchedulerKind::Constant => "constant",
        }
    }

    /// Returns the keys that it has besides its name.
    pub const fn keys(&self) -> &'static [&'static str] {
        match self {
            SchedulerKind::Plateau { .. } => &["factor", "min_learning_rate", "patience"],
            SchedulerKind::Cosine { .. } => &["min_learning_rate"],
            SchedulerKind::Step { .. } => &["gamma", "step_size"],
            SchedulerKind::OneCycle { .. } => &["div_factor", "final_div_factor", "pct_start"],
            SchedulerKind::Constant => &[],
        }
    }
}

impl FromStr for SchedulerKind {
    type Err = CoreError;

    /// Returns the defaults of the schedule with this name.
    fn from_str(name: &str) -> Result<Self, CoreError> {
        let all =
            [Self::plateau(), Self::cosine(), Self::step(), Self::one_cycle(), Self::Constant];
        choose("scheduler", name, all.map(|of| (of.name(), of)))
    }
}
