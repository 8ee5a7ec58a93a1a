//! Compares heat maps with those of `pytorch-grad-cam` on the same weights and pixels. Fixture:
//! `tools/fixtures/grad_cam.py`.

#[path = "../../models/tests/common/formula.rs"]
mod formula;

use kennel_core::{Interpolation, Preprocessing, TestView};
use kennel_infer::{Compute, Explained, Model, Predictor};
use kennel_models::{Network, RegularizationRates, apply_state_dict, architecture, state_dict};
use safetensors::SafeTensors;

/// Networks with the side of their images; the first one's map is also compared enlarged.
const CASES: [(&str, usize); 6] = [
    ("test_resnet", 128),
    ("test_efficientnet", 128),
    ("mobilenetv3_small_100", 128),
    ("test_convnext", 128),
    ("test_vit", 96),
    ("vit_small_patch14_reg4_dinov2", 70),
];
const CLASSES: usize = 10;
const CLASS: usize = 2;
/// Of maps whose largest value is 1: sums in another order.
const TOLERANCE: f32 = 1e-3;

/// Explains two images by a network with formula weights.
fn explained(arch: &str, side: usize) -> Vec<Explained> {
    let compute = Compute::cpu();
    let network = Network::new(
        architecture(arch).unwrap(),
        CLASSES,
        RegularizationRates::default(),
        compute.device(),
    );
    let weights = formula::weights(&state_dict(&network));
    let preprocessing = Preprocessing::imagenet(side as u32, 1.0, Interpolation::Bicubic);
    let names = (0..CLASSES).map(|class| class.to_string()).collect();
    let network = apply_state_dict(network, &weights);
    let mut predictor =
        Predictor::new(network, TestView::plain(preprocessing), names, 1.0, &compute);
    predictor.explain(formula::images("input", 2, side), 2, Some(CLASS)).unwrap()
}

/// As `pytorch-grad-cam` scales a map: the least value is 0, the largest 1.
fn scaled(map: &[f32]) -> Vec<f32> {
    let least = map.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = map.iter().copied().fold(0.0, f32::max);
    map.iter().map(|heat| (heat - least) / (largest - least)).collect()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let far = found.iter().zip(expected).fold(0.0_f32, |far, (a, b)| far.max((a - b).abs()));
    println!("{what}: {far:.1e} of the largest value");
    assert!(far <= TOLERANCE, "{what}: {far} of the largest value");
}

#[test]
fn heat_maps_are_those_of_pytorch_grad_cam() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/grad_cam/expected.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let read = |name: &str| -> Vec<f32> {
        let data = expected.tensor(name).unwrap().data();
        data.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    for (arch, side) in CASES {
        let (found, maps) = (explained(arch, side), read(&format!("{arch}.map")));
        for (found, expected) in found.iter().zip(maps.chunks_exact(maps.len() / 2)) {
            assert_near(&scaled(found.heat.values()), expected, arch);
        }
        if arch == CASES[0].0 {
            assert_near(&scaled(&found[0].heat.enlarged(side)), &read("enlarged"), "enlarged");
        }
    }
}
