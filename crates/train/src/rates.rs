//! Learning rates by layer: a separate rate for the head, and decay from stage to stage.

use kennel_core::Settings;
use kennel_models::{Network, Stage, is_under};

/// For each tensor, the factor between its learning rate and the schedule's.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRates {
    stages: Vec<Stage>,
    head: &'static str,
    decay: f64,
    head_factor: f64,
}

impl LayerRates {
    /// Reads `head_learning_rate` and `layer_decay` of the settings.
    pub fn new(network: &Network, settings: &Settings) -> Self {
        Self {
            stages: network.stages(),
            head: network.head(),
            decay: settings.layer_decay.unwrap_or(1.0),
            head_factor: settings
                .head_learning_rate
                .map_or(1.0, |rate| rate / settings.learning_rate),
        }
    }

    /// Returns a tensor's factor: `layer_decay` to the power of the number of stages above its own
    /// (Clark et al. 2020). The head has its own factor. A stage of a network of tokens is a block,
    /// as timm's groups are; its last normalisation has the factor of the last block.
    pub fn factor(&self, name: &str) -> f64 {
        if is_under(name, self.head) {
            return self.head_factor;
        }
        let Some(own) = self.stages.iter().rposition(|stage| stage.owns(name)) else { return 1.0 };
        let above = self.stages[own + 1..].iter().filter(|stage| !stage.has_rate_of_below).count();
        self.decay.powi(above as i32)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use kennel_models::{RegularizationRates, architecture};

    use super::*;

    #[test]
    fn rates_decay_from_the_head_down_and_the_head_has_its_own() {
        let architecture = architecture("resnet18").unwrap();
        let network =
            Network::new(architecture, 2, RegularizationRates::default(), &Device::flex());
        let rates = LayerRates {
            stages: network.stages(),
            head: network.head(),
            decay: 0.5,
            head_factor: 10.0,
        };
        for (name, factor) in [
            ("fc.weight", 10.0),
            ("layer4.1.bn2.bias", 0.5),
            ("layer1.0.conv1.weight", 0.0625),
            ("conv1.weight", 0.03125),
        ] {
            assert_eq!(rates.factor(name), factor, "{name}");
        }
    }
}
