//! Mirror images, whose logits are averaged with those of the photos.

use burn::tensor::{Int, Tensor};
use kennel_models::Network;

/// Mirrors photos, left to right.
///
/// # Shapes
///
/// `[batch, channels, height, width]`, and the same.
pub fn mirrored(pixels: Tensor<4>) -> Tensor<4> {
    let width = pixels.dims()[3] as i64;
    let from_left = Tensor::<1, Int>::arange(0..width, &pixels.device());
    pixels.select(3, from_left.mul_scalar(-1).add_scalar(width - 1))
}

/// Returns the mean of the values of photos and of those of their mirror images.
pub fn mean_of_both(of_photos: Tensor<2>, of_mirrored: Tensor<2>) -> Tensor<2> {
    (of_photos + of_mirrored) / 2.0
}

/// Averages `logits`, which are those of `pixels`, with those of the mirror images.
///
/// # Shapes
///
/// `[batch, classes]` and `[batch, 3, side, side]` to `[batch, classes]`.
pub fn with_mirror(network: &Network, logits: Tensor<2>, pixels: Tensor<4>) -> Tensor<2> {
    mean_of_both(logits, network.infer(mirrored(pixels)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn rows_are_reversed_and_nothing_else_moves() {
        let values: Vec<f32> = (0..24).map(|index| index as f32).collect();
        let data = TensorData::new(values.clone(), [2, 2, 2, 3]);
        let pixels = Tensor::<4>::from_data(data, &Device::flex());
        let found: Vec<f32> = mirrored(pixels).into_data().try_into_vec().unwrap();
        let expected: Vec<f32> =
            values.chunks(3).flat_map(|row| row.iter().rev().copied()).collect();
        assert_eq!(found, expected);
    }
}
