//! The optimiser.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// An optimiser, with PyTorch's names and definitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Kingma and Ba 2015; weight decay is added to the gradient.
    Adam {
        /// Decay rates of the first and second moment.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty.
        weight_decay: f64,
    },
    /// Loshchilov and Hutter 2019; weight decay shrinks the weight itself.
    AdamW {
        /// Decay rates of the first and second moment.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// Decoupled decay, times the learning rate.
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum (no dampening).
    Sgd {
        /// Decay rate of the velocity.
        momentum: f64,
        /// Whether to use Nesterov momentum.
        nesterov: bool,
        /// L2 penalty.
        weight_decay: f64,
    },
}

impl OptimizerConfig {
    /// Adam with PyTorch's defaults: betas 0.9 and 0.999, eps 1e-8, no weight decay.
    pub const fn adam() -> Self {
        OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with PyTorch's defaults: as Adam, with a weight decay of 0.01.
    pub const fn adamw() -> Self {
        OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 }
    }

    /// SGD with a momentum of 0.9, without weight decay. Differs: PyTorch's default momentum is 0.
    pub const fn sgd() -> Self {
        OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 }
    }

    /// Returns its name on the command line and in files.
    pub const fn name(&self) -> &'static str {
        match self {
            OptimizerConfig::Adam { .. } => "adam",
            OptimizerConfig::AdamW { .. } => "adamw",
            OptimizerConfig::Sgd { .. } => "sgd",
        }
    }

    /// Returns the keys that it has besides its name.
    pub const fn keys(&self) -> &'static [&'static str] {
        match self {
            OptimizerConfig::Adam { .. } | OptimizerConfig::AdamW { .. } => {
                &["betas", "eps", "weight_decay"]
            }
            OptimizerConfig::Sgd { .. } => &["momentum", "nesterov", "weight_decay"],
        }
    }
}

impl FromStr for OptimizerConfig {
    type Err = CoreError;

    /// Returns the defaults of the optimiser with this name.
    fn from_str(name: &str) -> Result<Self, CoreError> {
        choose(
            "optimizer",
            name,
            [Self::adam(), Self::adamw(), Self::sgd()].map(|of| (of.name(), of)),
        )
    }
}
