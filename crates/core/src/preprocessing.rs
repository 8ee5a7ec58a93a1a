//! How a photo becomes the network's input. Preprocessing is data that is bound to weights and
//! stored with them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// Filter for resizing, as in Pillow (antialiased).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Triangle filter.
    Bilinear,
    /// Cubic convolution with a = -0.5.
    Bicubic,
}

impl FromStr for Interpolation {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<Self, CoreError> {
        let all = [("bilinear", Interpolation::Bilinear), ("bicubic", Interpolation::Bicubic)];
        choose("interpolation", name, all)
    }
}

/// Evaluation preprocessing: resize the short side, crop the centre, normalise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Side of the square input, in pixels.
    pub side_px: u32,
    /// Ratio of `side_px` to the resized short side, in (0, 1].
    pub crop_pct: f64,
    /// Filter of the resize.
    pub interpolation: Interpolation,
    /// Mean, subtracted from each channel (red, green, blue), on a scale where white is 1.
    pub mean: [f32; 3],
    /// Standard deviation, by which each channel is then divided.
    pub std: [f32; 3],
}

/// Mean of ImageNet's channels.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's channels.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

impl Preprocessing {
    /// Returns preprocessing with ImageNet's mean and standard deviation at `side_px`.
    pub const fn imagenet(side_px: u32, crop_pct: f64, interpolation: Interpolation) -> Self {
        Self { side_px, crop_pct, interpolation, mean: IMAGENET_MEAN, std: IMAGENET_STD }
    }

    /// Returns the length in pixels of the resized short side: `floor(side / crop_pct)`, as in timm
    /// 1.0's `transforms_imagenet_eval`.
    pub fn resize_px(&self) -> u32 {
        (f64::from(self.side_px) / self.crop_pct).floor() as u32
    }

    /// Returns the first invalid field: its name, the value found and what is expected. The values
    /// may come from a file that was edited by hand.
    pub fn problem(&self) -> Option<(&'static str, String, &'static str)> {
        let Preprocessing { side_px, crop_pct, mean, std, .. } = self;
        let wrong = |x: &&f32, fits: bool| (!fits).then(|| x.to_string());
        if !(32..=1024).contains(side_px) {
            return Some(("side_px", side_px.to_string(), "32 to 1024 pixels"));
        }
        if !(0.1..=1.0).contains(crop_pct) {
            return Some(("crop_pct", crop_pct.to_string(), "a number in [0.1, 1]"));
        }
        if let Some(found) = mean.iter().find_map(|x| wrong(&x, x.is_finite())) {
            return Some(("mean", found, "finite numbers"));
        }
        let found = std.iter().find_map(|x| wrong(&x, x.is_finite() && *x > 0.0))?;
        Some(("std", found, "positive numbers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_side_is_that_of_timm() {
        let side = |side_px, crop_pct| {
            Preprocessing::imagenet(side_px, crop_pct, Interpolation::Bicubic).resize_px()
        };
        assert_eq!(side(224, 0.95), 235); // resnet50.a1_in1k
        assert_eq!(side(224, 0.875), 256); // efficientnet_b0.ra_in1k
        assert_eq!(side(240, 1.0), 240);
    }
}
