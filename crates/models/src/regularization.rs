//! How much of a network is left out at random in training.

/// What is left out at random in training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegularizationRates {
    /// Dropout before the classifier.
    pub drop: f64,
    /// Stochastic depth of the last block.
    pub drop_path: f64,
}
