//! Twenty Adam steps of two whole networks against PyTorch and timm. Fixtures:
//! `tools/fixtures/adam20.py`.

#[path = "common/steps.rs"]
mod steps;

use std::path::PathBuf;

use kennel_core::OptimizerConfig;
use kennel_models::state_dict;
use kennel_train::{CrossEntropy, Optimizer, take_gradients};
use safetensors::SafeTensors;

#[test]
fn twenty_adam_steps_lose_what_pytorch_loses() {
    for (arch, last_norm) in [("resnet18", "layer4.1.bn2"), ("efficientnet_b0", "bn2")] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/adam20/{arch}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        let expected = SafeTensors::deserialize(&bytes).unwrap();
        let f32s = |name: &str| -> Vec<f32> {
            let view = expected.tensor(name).unwrap();
            view.data().as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        let losses: Vec<f64> = expected
            .tensor("losses")
            .unwrap()
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|word| f64::from_le_bytes(*word))
            .collect();

        let mut network = steps::network(arch);
        let adam = OptimizerConfig::adam();
        let mut optimizer = Optimizer::new(adam);
        let cross_entropy = CrossEntropy::new(0.0, vec![1.0; 5]);
        let mut largest = 0.0_f64;
        for (step, wanted) in losses.iter().enumerate() {
            let (pixels, labels) = steps::batch(step);
            let loss = cross_entropy.forward(network.forward(pixels), &labels);
            let found = f64::from(loss.clone().into_scalar::<f32>());
            largest = largest.max((found - wanted).abs());
            let gradients = take_gradients(&network, loss.backward());
            network = optimizer.step(network, gradients, |_| 1e-4);
        }
        println!("{arch}: largest difference of the loss {largest:.1e}");
        assert!(losses[0] > 1.0 && losses[19] < 0.1, "the fixture does not learn");
        assert!(largest <= 1e-3, "{arch}: a loss is {largest:.1e} off");

        let state = state_dict(&network);
        let head = network.head();
        for (name, tolerance) in [
            (format!("{head}.weight"), 1e-3),
            (format!("{head}.bias"), 1e-3),
            // PyTorch's own layouts differ by 2.4e-3 here; n / (n - 1) in place of n would be 3 %.
            (format!("{last_norm}.running_var"), 1e-2),
        ] {
            let (found, wanted) = (&state[&name].data, f32s(&name));
            let scale = wanted.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            let off =
                found.iter().zip(&wanted).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / scale;
            assert!(off <= tolerance, "{arch}: {name} is {off:.1e} off");
        }
    }
}
