//! A BatchNorm in evaluation mode under training against PyTorch's. Fixture:
//! `tools/fixtures/frozen_norm.py`.

#[path = "common/formula.rs"]
mod formula;

use burn::module::{Param, RunningState};
use burn::tensor::{Device, Tensor, TensorData};
use kennel_kernels::Activation;
use kennel_models::{BatchNorm2d, Conv2d, state_dict, with_frozen_norms};
use safetensors::SafeTensors;

fn drawn<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(formula::tensor(name, &shape).data, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}

#[test]
fn gradients_through_a_norm_with_frozen_statistics_are_those_of_pytorch() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/frozen_norm/expected.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let (plain, tape) = (Device::flex(), Device::flex().autodiff());
    for (name, activation) in [
        ("identity", Activation::Identity),
        ("relu", Activation::Relu),
        ("relu6", Activation::Relu6),
        ("silu", Activation::Silu),
        ("hard_swish", Activation::HardSwish),
    ] {
        let mut conv = Conv2d::new(3, 5, 3, 1, &plain);
        let weight = drawn("conv.weight", [5, 3, 3, 3], &tape);
        conv.weight = Param::from_tensor(weight.require_grad());
        let mut norm = BatchNorm2d::new(5, activation, &plain);
        norm.weight = Param::from_tensor(drawn("norm.weight", [5], &tape).require_grad());
        norm.bias = Param::from_tensor(drawn("norm.bias", [5], &tape).require_grad());
        norm.running_mean = RunningState::new(drawn("mean.bias", [5], &plain) * 4.0);
        norm.running_var = RunningState::new(drawn("variance.weight", [5], &plain) * 2.0);
        norm.training = norm.training.with_value(true);
        let before = state_dict(&norm);
        let norm = with_frozen_norms(norm);

        let x = drawn("x", [2, 3, 9, 7], &tape).require_grad();
        let output = norm.forward(conv.forward(x.clone()));
        let gradients = (output.clone() * drawn("gradient", [2, 5, 9, 7], &tape)).sum().backward();
        for (what, found) in [
            ("output", values(output)),
            ("x", values(x.grad(&gradients).unwrap())),
            ("conv.weight", values(conv.weight.val().grad(&gradients).unwrap())),
            ("weight", values(norm.weight.val().grad(&gradients).unwrap())),
            ("bias", values(norm.bias.val().grad(&gradients).unwrap())),
        ] {
            let wanted = expected.tensor(&format!("{name}.{what}")).unwrap();
            let wanted: Vec<f32> =
                wanted.data().as_chunks().0.iter().map(|w| f32::from_le_bytes(*w)).collect();
            let largest = wanted.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
            assert_eq!(found.len(), wanted.len(), "{name} {what}");
            for (a, b) in found.iter().zip(&wanted) {
                // Sums of up to 126 products in another order.
                assert!((a - b).abs() <= 1e-5 * largest, "{name} {what}: {a} against {b}");
            }
        }
        assert!(state_dict(&norm) == before, "the statistics stay");
    }
}
