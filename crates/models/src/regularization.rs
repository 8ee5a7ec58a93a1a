//! Rates of dropout and stochastic depth in training.

use kennel_core::Settings;

/// Rates of dropout and stochastic depth in training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegularizationRates {
    /// Dropout before the classifier.
    pub drop: f64,
    /// Stochastic depth. As in timm, the rate grows from block to block: a ResNet's last block has
    /// all of it, the last of an EfficientNet's `n` blocks `(n - 1) / n` of it.
    pub drop_path: f64,
}

impl RegularizationRates {
    /// Returns the rates of a run.
    pub fn of(settings: &Settings) -> Self {
        Self { drop: settings.drop_rate, drop_path: settings.drop_path_rate }
    }
}
