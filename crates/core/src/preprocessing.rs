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

/// How a photo that is not square fits into the square input, by timm's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CropMode {
    /// The short side is resized and the centre is cropped.
    #[default]
    Center,
    /// Both sides are resized, without keeping their ratio, and the centre is cropped.
    Squash,
    /// The long side is resized and the centre is cropped; what is missing has the mean colour.
    Border,
}

impl CropMode {
    /// Every mode.
    pub const ALL: [CropMode; 3] = [CropMode::Center, CropMode::Squash, CropMode::Border];

    /// Returns its name on the command line, in files and in timm.
    pub const fn as_str(self) -> &'static str {
        match self {
            CropMode::Center => "center",
            CropMode::Squash => "squash",
            CropMode::Border => "border",
        }
    }

    /// Whether it is the default, which files leave out.
    pub fn is_center(&self) -> bool {
        *self == CropMode::Center
    }
}

impl FromStr for CropMode {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<Self, CoreError> {
        choose("crop mode", name, CropMode::ALL.map(|mode| (mode.as_str(), mode)))
    }
}

/// Evaluation preprocessing: resize, crop the centre, normalise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Side of the square input, in pixels.
    pub side_px: u32,
    /// Ratio of `side_px` to the resized side, in (0, 1]: the short side, both sides or the long
    /// one, as `crop_mode` says.
    pub crop_pct: f64,
    /// How a photo that is not square fits into the square.
    #[serde(default, skip_serializing_if = "CropMode::is_center")]
    pub crop_mode: CropMode,
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
    /// Returns preprocessing with ImageNet's mean and standard deviation at `side_px`, cropped from
    /// the centre.
    pub const fn imagenet(side_px: u32, crop_pct: f64, interpolation: Interpolation) -> Self {
        Self {
            side_px,
            crop_pct,
            crop_mode: CropMode::Center,
            interpolation,
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
        }
    }

    /// Returns the length in pixels of the resized side, which `crop_mode` names:
    /// `floor(side / crop_pct)`, as in timm 1.0's `transforms_imagenet_eval`.
    pub fn resize_px(&self) -> u32 {
        (f64::from(self.side_px) / self.crop_pct).floor() as u32
    }

    /// Returns the colour of the border that [`CropMode::Border`] adds: the mean as grey levels,
    /// halves rounded to even, as in timm.
    pub fn mean_level(&self) -> [u8; 3] {
        self.mean.map(|mean| (255.0 * f64::from(mean)).round_ties_even() as u8)
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

    #[test]
    fn files_name_a_crop_mode_only_if_it_is_not_center() {
        let text = |preprocessing: &Preprocessing| toml::to_string(preprocessing).unwrap();
        let center = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
        assert!(!text(&center).contains("crop_mode"));
        for crop_mode in CropMode::ALL {
            let own = Preprocessing { crop_mode, ..center.clone() };
            assert_eq!(toml::from_str::<Preprocessing>(&text(&own)).unwrap(), own);
            assert_eq!(crop_mode.as_str().parse::<CropMode>().unwrap(), crop_mode);
            let written = serde_json::to_string(&crop_mode).unwrap();
            assert_eq!(written, format!("\"{}\"", crop_mode.as_str()));
        }
    }
}
