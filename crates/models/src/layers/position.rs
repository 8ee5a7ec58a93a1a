//! Position embeddings, learned on one grid of patches and used on any.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

/// A learned embedding of a square grid of patches. The class token and registers may have theirs
/// before it.
pub struct Position<'a> {
    /// `[1, others + patches, channels]`.
    pub embedding: &'a Param<Tensor<3>>,
    /// Tokens before the patches that have an embedding, too.
    pub others: usize,
    /// Side of a patch in pixels.
    pub patch_px: usize,
}

impl Position<'_> {
    /// Returns the embedding of a grid of `side` by `side` patches, `[1, others + side * side,
    /// channels]`. Where the learned grid has another side, it is resampled: bicubic, with
    /// antialiasing, as timm's `resample_abs_pos_embed`.
    pub fn on_grid(&self, side: usize) -> Tensor<3> {
        let values = self.embedding.val();
        let [_, tokens, channels] = values.dims();
        let learned = (tokens - self.others).isqrt();
        if learned == side {
            return values;
        }
        let matrix = || {
            let data = TensorData::new(bicubic(learned, side), [1, side, learned]);
            Tensor::<3>::from_data(data, &values.device().without_autodiff())
        };
        // Columns, then rows: one axis after the other, as the two are independent.
        let patches = values
            .clone()
            .narrow(1, self.others, learned * learned)
            .reshape([learned, learned, channels]);
        let columns = matrix().repeat_dim(0, learned).matmul(patches);
        let rows = matrix().matmul(columns.reshape([1, learned, side * channels]));
        let patches = rows.reshape([1, side * side, channels]);
        match self.others {
            0 => patches,
            others => Tensor::cat(vec![values.narrow(1, 0, others), patches], 1),
        }
    }
}

/// Weights that resample `from` values to `to`, `[to, from]`: Keys' cubic with a = -1/2, widened
/// where there are fewer outputs than inputs, as PyTorch's `interpolate(antialias=True)`.
fn bicubic(from: usize, to: usize) -> Vec<f32> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let cubic = |x: f64| {
        const A: f64 = -0.5;
        match x.abs() {
            x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            x if x < 2.0 => A * (((x - 5.0) * x + 8.0) * x - 4.0),
            _ => 0.0,
        }
    };
    let mut weights = Vec::with_capacity(from * to);
    for output in 0..to {
        let centre = (output as f64 + 0.5) * scale;
        let row: Vec<f64> =
            (0..from).map(|input| cubic((input as f64 + 0.5 - centre) / stretch)).collect();
        let sum: f64 = row.iter().sum();
        weights.extend(row.iter().map(|weight| (weight / sum) as f32));
    }
    weights
}
