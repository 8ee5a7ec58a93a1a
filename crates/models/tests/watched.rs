//! What explanations look into, for every architecture and for a family that the zoo does not have.

#[path = "common/formula.rs"]
mod formula;
#[path = "common/tokens/mod.rs"]
mod tokens;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_models::{
    Architecture, Network, RegularizationRates, Watched, apply_state_dict, architecture,
    architectures, rows, state_dict,
};

const CLASSES: usize = 5;
const BATCH: usize = 2;

fn network(architecture: &Architecture) -> Network {
    let rates = RegularizationRates::default();
    let network = Network::new(architecture, CLASSES, rates, &Device::flex());
    let weights = formula::weights(&state_dict(&network));
    apply_state_dict(network, &weights)
}

fn watched(network: &Network, pixels: Vec<f32>, side: usize, class: usize) -> Vec<Watched> {
    let count = pixels.len() / (3 * side * side);
    network.watch_rows(pixels, count, side, &Device::flex(), |_, _| class)
}

#[test]
fn every_network_has_places_and_a_gradient_there_and_logits_stay() {
    for architecture in architectures().iter().chain(&tokens::architectures()) {
        let (name, side) = (architecture.name, architecture.test_side_px as usize);
        let network = network(architecture);
        let images = formula::images("input", BATCH, side);
        let found = watched(&network, images.clone(), side, 3);
        let data = TensorData::new(images, [BATCH, 3, side, side]);
        let expected = rows(network.infer(Tensor::from_data(data, &Device::flex())));
        assert_eq!(found.len(), BATCH);
        for (photo, expected) in found.iter().zip(&expected) {
            let largest = expected.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            for (a, b) in photo.logits.iter().zip(expected) {
                assert!((a - b).abs() <= 1e-4 * largest, "{name}: logit {a}, expected {b}");
            }
            assert_eq!(photo.class_index, 3);
            assert_eq!(photo.values.len(), photo.gradients.len(), "{name}");
            assert_eq!(photo.values.len() % (photo.side * photo.side), 0, "{name}");
            let moves = photo.gradients.iter().any(|x| *x != 0.0);
            assert!(moves && photo.gradients.iter().all(|x| x.is_finite()), "{name}");
        }
    }
}

/// A network has as many places as its maps or patches, whatever stands beside them.
#[test]
fn places_are_those_of_the_last_map_or_of_the_patches() {
    for (name, side, places) in [
        ("test_resnet", 64, 2),
        ("mobilenetv2_100", 64, 2),
        ("mobilenetv3_small_100", 64, 2),
        ("mobilenetv4_conv_small", 96, 3),
        ("convnext_atto", 64, 2),
        ("test_vit", 160, 10),
        ("vit_small_patch14_reg4_dinov2", 98, 7),
    ] {
        let network = network(architecture(name).unwrap());
        let found = watched(&network, formula::images("input", 1, side), side, 0);
        assert_eq!(found[0].side, places, "{name}");
    }
}

/// The gradient is that of one logit: a photo's does not depend on the other photos, and the
/// gradients of two classes differ.
#[test]
fn each_photo_has_its_own_gradient() {
    for name in ["test_resnet", "test_efficientnet", "test_convnext", "test_vit"] {
        let architecture = architecture(name).unwrap();
        let (network, side) = (network(architecture), architecture.test_side_px as usize);
        let images = formula::images("input", BATCH, side);
        let [_, second] = &watched(&network, images.clone(), side, 1)[..] else {
            panic!("{name}: two photos")
        };
        let alone = &watched(&network, images[images.len() / 2..].to_vec(), side, 1)[0];
        let largest = alone.gradients.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        for (a, b) in second.gradients.iter().zip(&alone.gradients) {
            assert!((a - b).abs() <= 1e-5 * largest, "{name}: {a} and {b}");
        }
        assert_ne!(watched(&network, images, side, 2)[1].gradients, second.gradients, "{name}");
    }
}
