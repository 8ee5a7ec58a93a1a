//! Gradients and twenty AdamW steps of a transformer and two ConvNeXts against PyTorch and timm.
//! Fixtures: `tools/fixtures/adamw20.py`.

#[path = "common/steps.rs"]
mod steps;

use std::path::PathBuf;

use kennel_core::OptimizerConfig;
use kennel_models::state_dict;
use kennel_train::{CrossEntropy, Optimizer, take_gradients};
use safetensors::SafeTensors;

#[test]
fn gradients_and_twenty_adamw_steps_are_those_of_pytorch() {
    for arch in ["vit_tiny_patch16_224", "convnext_atto", "convnextv2_atto"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/adamw20/{arch}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let names = header.metadata().as_ref().unwrap()["names"].clone();
        let names: Vec<String> = serde_json::from_str(&names).unwrap();
        let expected = SafeTensors::deserialize(&bytes).unwrap();
        let data = |name: &str| expected.tensor(name).unwrap().data().to_vec();
        let f32s = |name: &str| -> Vec<f32> {
            data(name).as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        let losses: Vec<f64> =
            data("losses").as_chunks().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
        let summaries = f32s("gradient");

        let mut network = steps::network(arch);
        let adamw = OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.05 };
        let mut optimizer = Optimizer::new(adamw);
        let cross_entropy = CrossEntropy::new(0.0, vec![1.0; 5]);
        let (mut largest, mut steepest) = (0.0_f64, 0.0_f32);
        for (step, wanted) in losses.iter().enumerate() {
            let (pixels, labels) = steps::batch(step);
            let loss = cross_entropy.forward(network.forward(pixels), &labels);
            let found = f64::from(loss.clone().into_scalar::<f32>());
            largest = largest.max((found - wanted).abs());
            let gradients = take_gradients(&network, loss.backward());
            if step == 0 {
                assert_eq!(gradients.len(), names.len(), "{arch}");
                for (name, wanted) in names.iter().zip(summaries.chunks_exact(9)) {
                    let found: Vec<f32> =
                        gradients[name].clone().into_data().try_into_vec().unwrap();
                    let norm = found.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                    let values = found.iter().copied().chain([0.0; 8]).take(8);
                    let apart = std::iter::once(norm as f32).chain(values).zip(wanted);
                    let apart = apart.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                    let relative = apart / wanted[0];
                    assert!(relative <= 1e-4, "{arch}: gradient of {name} is {relative:.1e} off");
                    steepest = steepest.max(relative);
                }
            }
            network = optimizer.step(network, gradients, |_| 1e-4);
        }
        println!("{arch}: losses within {largest:.1e}, gradients within {steepest:.1e} of a norm");
        assert!(losses[19] < 0.9 * losses[0], "the fixture does not learn");
        assert!(largest <= 1e-3, "{arch}: a loss is {largest:.1e} off");

        let state = state_dict(&network);
        for name in [format!("{}.weight", network.head()), format!("{}.bias", network.head())] {
            let (found, wanted) = (&state[&name].data, f32s(&name));
            let scale = wanted.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let apart = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0.0, f32::max) / scale;
            assert!(apart <= 1e-3, "{arch}: {name} is {apart:.1e} off");
        }
    }
}
