//! The strategy law, for every architecture and for a family that the zoo does not have: after a
//! step, frozen tensors are bit-equal and trained tensors have changed.

#[path = "../../models/tests/common/formula.rs"]
mod formula;
#[path = "../../models/tests/common/tokens/mod.rs"]
mod tokens;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{OptimizerConfig, Strategy};
use kennel_models::{
    Network, RegularizationRates, apply_state_dict, architectures, is_buffer, is_under, state_dict,
    with_frozen_norms, with_trainable,
};
use kennel_train::{CrossEntropy, Optimizer, take_gradients};

const BATCH: usize = 2;

#[test]
fn frozen_tensors_are_bit_equal_after_a_step_and_every_trainable_tensor_moved() {
    for architecture in architectures().iter().chain(&tokens::architectures()) {
        let side = architecture.test_side_px as usize;
        let images = TensorData::new(formula::images("input", BATCH, side), [BATCH, 3, side, side]);
        let fresh = Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
        let before = formula::weights(&state_dict(&fresh));
        for strategy in Strategy::PUBLISHED {
            let trained = match strategy {
                Strategy::Freeze => vec![fresh.head().to_string()],
                Strategy::Partial => fresh.partial(),
                Strategy::Full | Strategy::Auto => {
                    fresh.stages().into_iter().flat_map(|stage| stage.prefixes).collect()
                }
            };
            let network = with_trainable(apply_state_dict(fresh.clone(), &before), &trained);
            let after = state_dict(&step(network, &images));
            let (mut moved, mut kept) = (0, 0);
            for (name, value) in &after {
                let is_trained = trained.iter().any(|prefix| is_under(name, prefix));
                let is_equal = value == &before[name];
                assert_eq!(!is_equal, is_trained, "{} {strategy}: {name}", architecture.name);
                *(if is_trained { &mut moved } else { &mut kept }) += 1;
            }
            assert!(moved > 0 && (kept > 0 || strategy == Strategy::Full));
        }
    }
}

#[test]
fn frozen_norms_keep_their_statistics_and_every_trainable_tensor_moves() {
    for architecture in architectures().iter().chain(&tokens::architectures()) {
        let side = architecture.test_side_px as usize;
        let images = TensorData::new(formula::images("input", BATCH, side), [BATCH, 3, side, side]);
        let fresh = Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
        let mut before = formula::weights(&state_dict(&fresh));
        // Without statistics of their photos, the 40 blocks of EfficientNetV2-S would grow until
        // gates saturate, and a saturated gate does not move.
        for (_, value) in before.iter_mut().filter(|(_, value)| value.shape.len() == 1) {
            value.data.iter_mut().for_each(|x| *x *= 0.6);
        }
        let all: Vec<String> =
            fresh.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
        let network = with_trainable(apply_state_dict(fresh, &before), &all);
        let after = state_dict(&step(with_frozen_norms(network), &images));
        for (name, value) in &after {
            let is_equal = value == &before[name];
            assert_eq!(is_equal, is_buffer(name), "{}: {name}", architecture.name);
        }
    }
}

/// Takes one step of Adam.
fn step(network: Network, images: &TensorData) -> Network {
    let logits = network.forward(Tensor::from_data(images.clone(), &Device::flex()));
    let loss = CrossEntropy::new(0.0, vec![1.0; 5]).forward(logits, &[0, 3]);
    let gradients = take_gradients(&network, loss.backward());
    Optimizer::new(OptimizerConfig::adam()).step(network, gradients, |_| 1e-3)
}
