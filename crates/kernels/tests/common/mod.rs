//! Pseudo-random tensors and comparisons.

#![allow(dead_code)]

use burn::tensor::{Device, Tensor, TensorData};

/// Values in [-1, 1) from an integer hash, the same on every machine.
pub fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product::<usize>() as u64)
        .map(|i| {
            let mut h = i.wrapping_add(seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            h = (h ^ (h >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (h >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Asserts equality up to `tolerance` times the largest expected value.
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3_f32, |m, x| m.max(x.abs()));
    let worst = found
        .iter()
        .zip(expected)
        .fold(0.0_f32, |m, (a, b)| if (a - b).abs() > m || a.is_nan() { (a - b).abs() } else { m });
    assert!(worst <= tolerance * largest, "{what}: {worst:e} off, largest {largest:e}");
}

/// Runs both functions on the same inputs, all with gradients, and compares results and gradients.
pub fn compare<const N: usize>(
    name: &str,
    shapes: [[usize; 4]; N],
    tolerance: f32,
    found: impl Fn([Tensor<4>; N]) -> Tensor<4>,
    expected: impl Fn([Tensor<4>; N]) -> Tensor<4>,
) {
    let run = |function: &dyn Fn([Tensor<4>; N]) -> Tensor<4>| {
        let device = Device::flex().autodiff();
        let inputs: [Tensor<4>; N] =
            std::array::from_fn(|i| random(shapes[i], i as u64 + 1, &device).require_grad());
        let output = function(inputs.clone());
        let weights = random(output.dims(), 99, &device);
        let grads = (output.clone() * weights).sum().backward();
        let mut all = vec![values(output)];
        for input in &inputs {
            all.push(values(input.grad(&grads).expect("every input takes a gradient")));
        }
        all
    };
    let (found, expected) = (run(&found), run(&expected));
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let what = if i == 0 { "output".into() } else { format!("gradient of input {i}") };
        assert_close(found, expected, tolerance, &format!("{name} {shapes:?}: {what}"));
    }
}
