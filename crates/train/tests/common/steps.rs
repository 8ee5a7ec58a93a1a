//! The network, photos and labels of `tools/fixtures/adam20.py` and `adamw20.py`.

#[path = "../../../models/tests/common/formula.rs"]
mod formula;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_models::{
    Network, RegularizationRates, apply_state_dict, architecture, state_dict, with_trainable,
};

const BATCH: usize = 8;
const SIDE: usize = 64;

/// Returns a network with formula weights and 5 classes, all of which is trained.
pub fn network(arch: &str) -> Network {
    let architecture = architecture(arch).unwrap();
    let network = Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
    let stages: Vec<String> =
        network.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
    let weights = formula::weights(&state_dict(&network));
    with_trainable(apply_state_dict(network, &weights), &stages)
}

/// Returns the batch of a step with its labels.
pub fn batch(step: usize) -> (Tensor<4>, Vec<usize>) {
    let k = step % 2;
    let pixels = formula::images(&format!("batch.{k}"), BATCH, SIDE);
    let pixels = TensorData::new(pixels, [BATCH, 3, SIDE, SIDE]);
    let labels = (0..BATCH).map(|i| (3 * i + k) % 5).collect();
    (Tensor::from_data(pixels, &Device::flex()), labels)
}
