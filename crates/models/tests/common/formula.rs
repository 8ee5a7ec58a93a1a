//! Weights and images by formula: the Rust twin of `tools/fixtures/formula.py`, which describes it.
#![allow(dead_code)] // each test takes the parts that it needs

use kennel_models::{StateDict, TensorValue};

/// The signed value of a stream at an index, in [-1, 1).
pub fn signed(name: &str, index: u64) -> f32 {
    2.0 * unit(name_digest(name), index) - 1.0
}

fn name_digest(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn unit(digest: u64, index: u64) -> f32 {
    let z = digest.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let z = z ^ (z >> 31);
    (z >> 40) as f32 * (1.0 / 16_777_216.0)
}

/// The weight called `name`.
pub fn tensor(name: &str, shape: &[usize]) -> TensorValue {
    let digest = name_digest(name);
    let signed = |index| 2.0 * unit(digest, index) - 1.0;
    let values = 0..shape.iter().product::<usize>() as u64;
    let data = if name.ends_with("running_mean") {
        values.map(|_| 0.0).collect()
    } else if name.ends_with("running_var") {
        values.map(|_| 1.0).collect()
    } else if shape.len() == 3 {
        values.map(signed).collect()
    } else if shape.len() >= 2 {
        let fan_in: usize = shape[1..].iter().product();
        let bound = (6.0 / fan_in as f64).sqrt() as f32;
        values.map(|index| signed(index) * bound).collect()
    } else if name.ends_with(".bias") {
        values.map(|index| signed(index) * 0.1).collect()
    } else {
        values.map(|index| 0.75 + 0.5 * unit(digest, index)).collect()
    };
    TensorValue { shape: shape.to_vec(), data }
}

/// Formula values for every tensor of `like`.
pub fn weights(like: &StateDict) -> StateDict {
    like.iter().map(|(name, value)| (name.clone(), tensor(name, &value.shape))).collect()
}

/// `[batch, 3, side, side]`, row-major.
pub fn images(name: &str, batch: usize, side: usize) -> Vec<f32> {
    const CELL: [usize; 4] = [16, 8, 4, 32];
    const CONTRAST: [f32; 4] = [1.0, 1.5, 0.75, 2.0];
    let (coarse, grain) = (format!("{name}.coarse"), format!("{name}.grain"));
    let mut values = Vec::with_capacity(batch * 3 * side * side);
    for b in 0..batch {
        for c in 0..3 {
            for y in 0..side {
                for x in 0..side {
                    let plane = b * 3 + c;
                    let cell = CELL[b % 4];
                    let at = |y: usize, x: usize| ((plane * side + y) * side + x) as u64;
                    let coarse = CONTRAST[b % 4] * signed(&coarse, at(y / cell, x / cell));
                    values.push(coarse + 0.25 * signed(&grain, at(y, x)));
                }
            }
        }
    }
    values
}
