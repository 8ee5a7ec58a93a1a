//! Grad-CAM: how much each place of a photo speaks for a class.

use serde::Serialize;

/// Share of an even map that lies outside the middle, which is half of the photo's area.
pub const EVEN_OUTSIDE: f64 = 0.5;

/// How much each place of a square photo speaks for a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeatMap {
    side: usize,
    values: Vec<f32>,
}

impl HeatMap {
    /// Computes the map from a layer's values and a logit's gradient there: each channel weighs as
    /// much as its gradient's mean over the places; a place has the weighted sum of its channels,
    /// or 0 if that is negative. The largest value becomes 1.
    ///
    /// Source: Selvaraju et al. 2017, "Grad-CAM", section 3, and `pytorch-grad-cam` 1.5.7.
    /// Differs: `pytorch-grad-cam` also subtracts the smallest value. Here 0 means "does not speak
    /// for the class".
    ///
    /// # Shapes
    ///
    /// `values`, `gradients`: `[side * side, channels]`, places row by row.
    ///
    /// # Panics
    ///
    /// When the lengths differ, are no multiple of `side * side`, or `side` is 0.
    pub fn grad_cam(side: usize, values: &[f32], gradients: &[f32]) -> Self {
        let places = side * side;
        assert!(places > 0 && values.len() == gradients.len());
        assert_eq!(values.len() % places, 0, "{} values on {side} by {side} places", values.len());
        let channels = values.len() / places;
        let mut weights = vec![0.0_f64; channels];
        for place in gradients.chunks_exact(channels) {
            for (weight, gradient) in weights.iter_mut().zip(place) {
                *weight += f64::from(*gradient) / places as f64;
            }
        }
        let heat = |place: &[f32]| -> f64 {
            let sum: f64 =
                place.iter().zip(&weights).map(|(x, weight)| f64::from(*x) * weight).sum();
            sum.max(0.0)
        };
        let heat: Vec<f64> = values.chunks_exact(channels).map(heat).collect();
        let largest = heat.iter().copied().fold(0.0, f64::max);
        let scaled = |heat: f64| if largest > 0.0 { (heat / largest) as f32 } else { 0.0 };
        Self { side, values: heat.into_iter().map(scaled).collect() }
    }

    /// Places along a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The heat of each place in [0, 1], `[side, side]`, row by row. The largest is 1; all are 0 if
    /// no place speaks for the class.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Enlarges the map to `[side_px, side_px]`, row by row, by bilinear interpolation between the
    /// centres of the places; beyond them, the edges continue.
    ///
    /// Source: PyTorch 2's `interpolate(mode="bilinear", align_corners=False)`, OpenCV's `resize`.
    ///
    /// # Panics
    ///
    /// When `side_px` is 0.
    pub fn enlarged(&self, side_px: usize) -> Vec<f32> {
        assert!(side_px > 0);
        let taps: Vec<(usize, usize, f32)> = (0..side_px)
            .map(|px| {
                let at = (px as f32 + 0.5) * self.side as f32 / side_px as f32 - 0.5;
                let at = at.clamp(0.0, (self.side - 1) as f32);
                let low = at as usize;
                (low, (low + 1).min(self.side - 1), at - low as f32)
            })
            .collect();
        let mut enlarged = Vec::with_capacity(side_px * side_px);
        for &(above, below, down) in &taps {
            let row = |y: usize| &self.values[y * self.side..][..self.side];
            let (above, below) = (row(above), row(below));
            for &(left, right, across) in &taps {
                let mix = |row: &[f32]| row[left] + (row[right] - row[left]) * across;
                let (above, below) = (mix(above), mix(below));
                enlarged.push(above + (below - above) * down);
            }
        }
        enlarged
    }

    /// Returns the share of the heat that lies outside the photo's middle, or None without heat.
    /// The middle is the central square of half the photo's area, so that an even map has
    /// [`EVEN_OUTSIDE`] of its heat outside.
    pub fn share_outside(&self) -> Option<f64> {
        let total: f64 = self.values.iter().map(|&heat| f64::from(heat)).sum();
        if total <= 0.0 {
            return None;
        }
        let cover = self.cover_of_middle();
        let rows = self.values.chunks_exact(self.side).zip(&cover);
        let inside: f64 = rows
            .map(|(row, down)| {
                let across = row.iter().zip(&cover).map(|(&heat, across)| f64::from(heat) * across);
                down * across.sum::<f64>()
            })
            .sum();
        Some((1.0 - inside / total).clamp(0.0, 1.0))
    }

    /// Returns how much of each place's extent along a side lies in the middle.
    fn cover_of_middle(&self) -> Vec<f64> {
        let side = self.side as f64;
        let margin = (1.0 - 0.5_f64.sqrt()) / 2.0 * side;
        let cover = |place: usize| {
            let (begin, end) = (place as f64, place as f64 + 1.0);
            (end.min(side - margin) - begin.max(margin)).max(0.0)
        };
        (0..self.side).map(cover).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn channels_weigh_as_their_mean_gradient_and_what_speaks_against_is_cold() {
        // Two channels on four places; the mean gradients are 1 and -0.5.
        let gradients = [2.0, 0.0, 0.0, -1.0, 1.0, -0.5, 1.0, -0.5];
        let values = [1.0, 0.0, 0.0, 2.0, 3.0, 2.0, 0.5, 0.0];
        let map = HeatMap::grad_cam(2, &values, &gradients);
        assert_eq!((map.side(), map.values()), (2, &[0.5, 0.0, 1.0, 0.25][..]));
    }

    #[test]
    fn a_map_that_nothing_speaks_for_is_cold_and_has_no_share() {
        let map = HeatMap::grad_cam(2, &[1.0; 4], &[-1.0; 4]);
        assert_eq!((map.values(), map.share_outside()), (&[0.0; 4][..], None));
    }

    #[test]
    fn enlarging_interpolates_between_centres() {
        let map = HeatMap { side: 2, values: vec![0.0, 1.0, 0.0, 1.0] };
        // PyTorch: interpolate(torch.tensor([[[[0., 1.], [0., 1.]]]]), size=4, mode="bilinear")
        for row in map.enlarged(4).chunks_exact(4) {
            assert_eq!(row, [0.0, 0.25, 0.75, 1.0]);
        }
        assert_eq!(map.enlarged(2), map.values);
        assert_eq!(map.enlarged(1), [0.5]);
    }

    #[test]
    fn heat_at_the_border_lies_outside_and_heat_in_the_centre_inside() {
        let at = |hot: &[usize]| {
            let mut values = vec![0.0; 49];
            hot.iter().for_each(|&place| values[place] = 1.0);
            HeatMap { side: 7, values }.share_outside().unwrap()
        };
        assert_eq!(at(&[0, 6, 42, 48, 3]), 1.0);
        assert!(at(&[24, 16, 32]) < 1e-12);
        assert!((at(&[0, 24]) - 0.5).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn an_even_map_has_half_of_its_heat_outside(side in 1_usize..40, heat in 0.01_f32..1.0) {
            let map = HeatMap { side, values: vec![heat; side * side] };
            prop_assert!((map.share_outside().unwrap() - EVEN_OUTSIDE).abs() < 1e-9);
        }

        #[test]
        fn enlarging_stays_within_the_heat(
            values in prop::collection::vec(0.0_f32..=1.0, 25),
            side_px in 1_usize..60,
        ) {
            let map = HeatMap { side: 5, values };
            let least = map.values.iter().copied().fold(1.0, f32::min);
            let largest = map.values.iter().copied().fold(0.0, f32::max);
            for heat in map.enlarged(side_px) {
                prop_assert!(least - 1e-6 <= heat && heat <= largest + 1e-6);
            }
        }
    }
}
