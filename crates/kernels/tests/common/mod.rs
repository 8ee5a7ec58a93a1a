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
