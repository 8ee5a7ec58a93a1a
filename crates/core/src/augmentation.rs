//! Augmentation of training photos. Data only; the `data` crate transforms the pixels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// Which part of a training photo is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Crop {
    /// The centre, after the resize of the weights' preprocessing, as in evaluation.
    Center,
    /// A random square, after the short side is resized to `side * resize_ratio`.
    Random {
        /// 256/224 in the published recipe.
        resize_ratio: f64,
    },
    /// torchvision's `RandomResizedCrop`.
    RandomResized {
        /// Bounds of the area, as a share of the photo's area.
        scale: [f64; 2],
        /// Bounds of width over height.
        ratio: [f64; 2],
    },
}

impl Crop {
    /// The published crop: resized by 256/224.
    pub const fn random() -> Self {
        Crop::Random { resize_ratio: 256.0 / 224.0 }
    }

    /// torchvision's defaults: 8 to 100 % of the area, 3/4 to 4/3 of width over height.
    pub const fn random_resized() -> Self {
        Crop::RandomResized { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] }
    }

    /// Returns its name on the command line and in files.
    pub const fn name(&self) -> &'static str {
        match self {
            Crop::Center => "center",
            Crop::Random { .. } => "random",
            Crop::RandomResized { .. } => "random_resized",
        }
    }

    /// Returns the keys that it has besides its kind.
    pub const fn keys(&self) -> &'static [&'static str] {
        match self {
            Crop::Center => &[],
            Crop::Random { .. } => &["resize_ratio"],
            Crop::RandomResized { .. } => &["ratio", "scale"],
        }
    }
}

impl FromStr for Crop {
    type Err = CoreError;

    /// Returns the defaults of the crop with this name.
    fn from_str(name: &str) -> Result<Self, CoreError> {
        let all = [Self::Center, Self::random(), Self::random_resized()];
        choose("crop", name, all.map(|of| (of.name(), of)))
    }
}

/// The parts of training augmentation, each as torchvision defines it. Zero disables a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Probability of a horizontal flip.
    pub flip: f64,
    /// Largest rotation in either direction, in degrees; drawn from plus or minus this value.
    pub rotation_deg: f64,
    /// `ColorJitter`'s brightness: a factor from `1 +- brightness`.
    pub brightness: f64,
    /// `ColorJitter`'s contrast.
    pub contrast: f64,
    /// `ColorJitter`'s saturation.
    pub saturation: f64,
    /// `ColorJitter`'s hue: a shift from `+- hue` turns, at most 0.5.
    pub hue: f64,
    /// Probability that a rectangle is erased (`RandomErasing`, scale 0.02-0.33, ratio 0.3-3.3,
    /// value 0).
    pub erasing: f64,
    /// Which part of the photo is used.
    pub crop: Crop,
}

/// A named augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AugmentationSet {
    /// The published recipe: random crop, flip, rotation of 15 degrees, jitter of 0.2.
    Light,
    /// Random resized crop, flip, jitter of brightness and contrast.
    Rrc,
    /// No augmentation: photos are prepared as in evaluation.
    None,
}

impl AugmentationSet {
    /// Every set.
    pub const ALL: [AugmentationSet; 3] =
        [AugmentationSet::Light, AugmentationSet::Rrc, AugmentationSet::None];

    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            AugmentationSet::Light => "light",
            AugmentationSet::Rrc => "rrc",
            AugmentationSet::None => "none",
        }
    }

    /// Returns the augmentation that the name stands for.
    pub fn augmentation(self) -> Augmentation {
        let none = Augmentation {
            flip: 0.0,
            rotation_deg: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue: 0.0,
            erasing: 0.0,
            crop: Crop::Center,
        };
        match self {
            AugmentationSet::None => none,
            AugmentationSet::Light => Augmentation {
                flip: 0.5,
                rotation_deg: 15.0,
                brightness: 0.2,
                contrast: 0.2,
                saturation: 0.2,
                crop: Crop::random(),
                ..none
            },
            AugmentationSet::Rrc => Augmentation {
                flip: 0.5,
                brightness: 0.2,
                contrast: 0.2,
                crop: Crop::random_resized(),
                ..none
            },
        }
    }
}

impl Default for Augmentation {
    fn default() -> Self {
        AugmentationSet::Light.augmentation()
    }
}

impl fmt::Display for AugmentationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AugmentationSet {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose("augmentation", text, AugmentationSet::ALL.map(|set| (set.as_str(), set)))
    }
}
