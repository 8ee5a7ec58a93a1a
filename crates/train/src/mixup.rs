//! MixUp and CutMix of a batch with its own flip: the arithmetic, as timm's `Mixup` in batch mode
//! (timm 1.0, `timm/data/mixup.py`).
//!
//! The partner of photo `i` of `n` is photo `n - 1 - i`. The middle photo of an odd batch is its
//! own partner and stays as it is. Differs: timm refuses odd batches.

use std::ops::Range;

use burn::tensor::Tensor;

/// How a batch is mixed.
#[derive(Clone, Debug, PartialEq)]
pub enum Mix {
    /// Every photo is a weighted mean of itself and its partner (Zhang et al. 2018).
    Blend {
        /// Weight of the photo itself.
        share: f64,
    },
    /// A rectangle of every photo is its partner's (Yun et al. 2019).
    Paste {
        /// Rows of the rectangle, in pixels.
        rows: Range<usize>,
        /// Columns of the rectangle.
        columns: Range<usize>,
        /// Share of the pixels that are the photo's own.
        share: f64,
    },
}

impl Mix {
    /// Pastes a square of `1 - share` of the area around `center` (row and column), cut off at the
    /// borders: timm's `rand_bbox`. The share becomes that of the pixels that stay
    /// (`correct_lam=True`).
    pub fn paste(share: f64, side_px: usize, center: [usize; 2]) -> Self {
        let cut = (side_px as f64 * (1.0 - share).sqrt()) as usize;
        let around =
            |center: usize| center.saturating_sub(cut / 2)..(center + cut.div_ceil(2)).min(side_px);
        let (rows, columns) = (around(center[0]), around(center[1]));
        let share = 1.0 - (rows.len() * columns.len()) as f64 / (side_px * side_px) as f64;
        Mix::Paste { rows, columns, share }
    }

    /// Weight of a photo's own label. Its partner's has the rest.
    pub fn share(&self) -> f64 {
        match self {
            Mix::Blend { share } | Mix::Paste { share, .. } => *share,
        }
    }

    /// Mixes a batch with its own flip.
    ///
    /// # Shapes
    ///
    /// `[batch, channels, height, width]`, before and after.
    pub fn pixels(&self, pixels: Tensor<4>) -> Tensor<4> {
        let [batch, channels, ..] = pixels.dims();
        let partners = pixels.clone().flip([0]);
        match self {
            Mix::Blend { share } => pixels * *share + partners * (1.0 - share),
            Mix::Paste { rows, columns, .. } if rows.is_empty() || columns.is_empty() => pixels,
            Mix::Paste { rows, columns, .. } => {
                let cut = [0..batch, 0..channels, rows.clone(), columns.clone()];
                pixels.slice_assign(cut.clone(), partners.slice(cut))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use serde::Deserialize;

    use super::*;
    use crate::CrossEntropy;
    use crate::fixtures::{formula, read_safetensors};

    /// The draws that timm was given, and the share it returned: `tools/fixtures/mixup.py`.
    #[derive(Deserialize)]
    struct Case {
        name: String,
        cutmix: bool,
        drawn: f64,
        center: [usize; 2],
        smoothing: f64,
        share: f64,
    }

    const SIDE: usize = 12;

    fn numbers(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().try_into_vec::<f32>().unwrap()
    }

    fn batch(photos: usize) -> Tensor<4> {
        let pixels = formula::images("mixup", photos, SIDE);
        Tensor::from_data(TensorData::new(pixels, [photos, 3, SIDE, SIDE]), &Device::flex())
    }

    #[test]
    fn pixels_and_targets_are_those_of_timm_given_the_same_draws() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/fixtures/mixup/cases.json")).unwrap();
        let expected = read_safetensors("mixup/expected.safetensors");
        let labels = [0, 1, 2, 1];
        for case in &cases {
            let mix = match case.cutmix {
                true => Mix::paste(case.drawn, SIDE, case.center),
                false => Mix::Blend { share: case.drawn },
            };
            assert!((mix.share() - case.share).abs() <= 1e-12, "{}: {}", case.name, mix.share());
            let pixels = numbers(mix.pixels(batch(labels.len())));
            let targets =
                CrossEntropy::new(case.smoothing, vec![1.0; 3]).targets(&labels, mix.share());
            for (what, found) in [("pixels", pixels), ("targets", targets)] {
                let wanted = &expected[&format!("{}.{what}", case.name)].data;
                assert_eq!(found.len(), wanted.len());
                for (a, b) in found.iter().zip(wanted) {
                    assert!((a - b).abs() <= 1e-6, "{} {what}: {a} against {b}", case.name);
                }
            }
        }
        assert!(cases.iter().filter(|case| case.cutmix).count() >= 4 && cases.len() >= 6);
    }

    #[test]
    fn the_middle_of_an_odd_batch_stays_as_it_is() {
        let before = numbers(batch(3));
        let size = 3 * SIDE * SIDE;
        for mix in [Mix::Blend { share: 0.3 }, Mix::paste(0.5, SIDE, [6, 6])] {
            let after = numbers(mix.pixels(batch(3)));
            for (a, b) in before[size..2 * size].iter().zip(&after[size..2 * size]) {
                assert!((a - b).abs() <= 1e-6, "{mix:?}: {a} against {b}");
            }
            assert_ne!(before[..size], after[..size], "{mix:?}");
            let targets = CrossEntropy::new(0.0, vec![1.0; 3]).targets(&[0, 1, 2], mix.share());
            assert_eq!(targets[3..6], [0.0, 1.0, 0.0]);
        }
    }

    #[test]
    fn a_square_is_cut_off_at_the_borders() {
        let corner = Mix::paste(0.75, 10, [0, 9]);
        assert_eq!(corner, Mix::Paste { rows: 0..3, columns: 7..10, share: 0.91 });
        let nothing = Mix::paste(0.999, 10, [5, 5]);
        assert_eq!(nothing.share(), 1.0);
        assert_eq!(numbers(nothing.pixels(batch(2))), numbers(batch(2)));
    }
}
