//! Learning rates by layer: a separate rate for the head, and decay from layer to layer.

use kennel_core::Settings;
use kennel_models::{Network, is_under};

/// For each tensor, the factor between its learning rate and the schedule's.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRates {
    /// Name prefixes of each layer below the head's, from the stem up.
    layers: Vec<Vec<String>>,
    head: &'static str,
    decay: f64,
    head_factor: f64,
}

impl LayerRates {
    /// Reads `head_learning_rate` and `layer_decay` of the settings.
    pub fn new(network: &Network, settings: &Settings) -> Self {
        Self {
            layers: network.rate_layers(),
            head: network.head(),
            decay: settings.layer_decay.unwrap_or(1.0),
            head_factor: settings
                .head_learning_rate
                .map_or(1.0, |rate| rate / settings.learning_rate),
        }
    }

    /// Returns a tensor's factor: `layer_decay` to the power of the number of layers above its own
    /// (Clark et al. 2020). A layer is a block, as in timm's `param_groups_layer_decay`. The head
    /// has its own factor.
    pub fn factor(&self, name: &str) -> f64 {
        if is_under(name, self.head) {
            return self.head_factor;
        }
        let owns = |layer: &Vec<String>| layer.iter().any(|prefix| is_under(name, prefix));
        let Some(own) = self.layers.iter().position(owns) else { return 1.0 };
        self.decay.powi((self.layers.len() - own) as i32)
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
            layers: network.rate_layers(),
            head: network.head(),
            decay: 0.5,
            head_factor: 10.0,
        };
        for (name, factor) in [
            ("fc.weight", 10.0),
            ("layer4.1.bn2.bias", 0.5),
            ("layer4.0.conv1.weight", 0.25),
            ("layer1.0.conv1.weight", 0.5_f64.powi(8)),
            ("conv1.weight", 0.5_f64.powi(9)),
        ] {
            assert_eq!(rates.factor(name), factor, "{name}");
        }
    }
}
