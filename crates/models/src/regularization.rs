//! How much of a network is left out at random in training.

use kennel_core::RunConfig;

/// What is left out at random in training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegularizationRates {
    /// Dropout before the classifier.
    pub drop: f64,
    /// Stochastic depth of the last block.
    pub drop_path: f64,
}

impl RegularizationRates {
    /// Those of a configuration.
    pub fn of(config: &RunConfig) -> Self {
        Self { drop: config.drop_rate, drop_path: config.drop_path_rate }
    }
}
