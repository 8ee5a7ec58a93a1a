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

/// A policy that draws operations for each photo, with torchvision's ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AugmentationPolicy {
    /// No operations.
    #[default]
    None,
    /// `RandAugment`: some operations of 14, all at one magnitude (Cubuk et al., 2019,
    /// arXiv:1909.13719).
    RandAugment,
    /// `TrivialAugmentWide`: one operation of 14, at any magnitude (Müller and Hutter, 2021,
    /// arXiv:2103.10158).
    TrivialAugment,
    /// `AutoAugment` with the policy of ImageNet: one of 25 pairs of operations (Cubuk et al.,
    /// 2018, arXiv:1805.09501).
    AutoAugment,
}

impl AugmentationPolicy {
    /// Every policy.
    pub const ALL: [AugmentationPolicy; 4] = [
        AugmentationPolicy::None,
        AugmentationPolicy::RandAugment,
        AugmentationPolicy::TrivialAugment,
        AugmentationPolicy::AutoAugment,
    ];

    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            AugmentationPolicy::None => "none",
            AugmentationPolicy::RandAugment => "randaugment",
            AugmentationPolicy::TrivialAugment => "trivialaugment",
            AugmentationPolicy::AutoAugment => "autoaugment",
        }
    }

    /// Whether it is the default, which files leave out.
    fn is_none(&self) -> bool {
        *self == AugmentationPolicy::None
    }
}

impl FromStr for AugmentationPolicy {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<Self, CoreError> {
        choose("policy", name, AugmentationPolicy::ALL.map(|policy| (policy.as_str(), policy)))
    }
}

/// Operations that `RandAugment` applies to a photo, unless the settings say otherwise.
const RANDAUGMENT_OPS: u32 = 2;
/// Magnitude of `RandAugment`, of 0 to 30, unless the settings say otherwise.
const RANDAUGMENT_MAGNITUDE: u32 = 9;

fn randaugment_ops() -> u32 {
    RANDAUGMENT_OPS
}

fn randaugment_magnitude() -> u32 {
    RANDAUGMENT_MAGNITUDE
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
    /// Operations that are drawn for each photo, after crop and flip.
    #[serde(default, skip_serializing_if = "AugmentationPolicy::is_none")]
    pub policy: AugmentationPolicy,
    /// Number of operations of `RandAugment`; other policies ignore it.
    #[serde(default = "randaugment_ops", skip_serializing_if = "is_usual_ops")]
    pub randaugment_ops: u32,
    /// Magnitude of `RandAugment`'s operations, of 0 to 30; other policies ignore it.
    #[serde(default = "randaugment_magnitude", skip_serializing_if = "is_usual_magnitude")]
    pub randaugment_magnitude: u32,
    /// Which part of the photo is used.
    pub crop: Crop,
}

fn is_usual_ops(ops: &u32) -> bool {
    *ops == RANDAUGMENT_OPS
}

fn is_usual_magnitude(magnitude: &u32) -> bool {
    *magnitude == RANDAUGMENT_MAGNITUDE
}

impl Augmentation {
    /// Returns these parts with the policy of `other`. A policy takes the place of rotation and
    /// colour jitter, as in timm's `create_transform` and torchvision's reference presets.
    pub fn with_policy_of(self, other: &Augmentation) -> Self {
        let Augmentation { policy, randaugment_ops, randaugment_magnitude, .. } = *other;
        let parts = match policy {
            AugmentationPolicy::None => self,
            _ => Augmentation {
                rotation_deg: 0.0,
                brightness: 0.0,
                contrast: 0.0,
                saturation: 0.0,
                hue: 0.0,
                ..self
            },
        };
        Augmentation { policy, randaugment_ops, randaugment_magnitude, ..parts }
    }
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
            policy: AugmentationPolicy::None,
            randaugment_ops: RANDAUGMENT_OPS,
            randaugment_magnitude: RANDAUGMENT_MAGNITUDE,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_a_policy_and_its_settings_only_if_they_are_not_the_default() {
        let text = |augmentation: &Augmentation| toml::to_string(augmentation).unwrap();
        let light = AugmentationSet::Light.augmentation();
        assert!(!text(&light).contains("policy") && !text(&light).contains("randaugment"));
        let own = Augmentation {
            policy: AugmentationPolicy::RandAugment,
            randaugment_magnitude: 5,
            ..light.clone()
        };
        let found = text(&own);
        assert!(found.contains("policy = \"randaugment\"\nrandaugment_magnitude = 5\n"), "{found}");
        for augmentation in [light, own] {
            assert_eq!(toml::from_str::<Augmentation>(&text(&augmentation)).unwrap(), augmentation);
        }
        for policy in AugmentationPolicy::ALL {
            assert_eq!(policy.as_str().parse::<AugmentationPolicy>().unwrap(), policy);
            let written = serde_json::to_string(&policy).unwrap();
            assert_eq!(written, format!("\"{}\"", policy.as_str()));
        }
    }
}
