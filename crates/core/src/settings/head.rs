//! The new head: how it is fitted, how it is initialised, and how its loss weights the classes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// How the new head is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadFit {
    /// By gradient steps, from drawn weights.
    #[default]
    Gradient,
    /// Exactly, as a logistic regression on the features of the untrained network. With `freeze`
    /// that is the result; other strategies begin with it (Kumar et al. 2022, LP-FT).
    Convex,
}

/// How the weights and bias of a new head are initialised: uniformly within plus or minus a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadInit {
    /// Bound `1 / sqrt(fan_in)`, as in `nn.Linear` and `reset_classifier`.
    FanIn,
    /// timm's initialisation for the EfficientNet family: bound `1 / sqrt(classes)`, and no bias.
    /// Same as `FanIn` for other architectures.
    Timm,
}

/// How the classes are weighted in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All classes equally.
    None,
    /// `photos / (classes * photos of the class)`, scikit-learn's `balanced`.
    Balanced,
    /// Weights by class name.
    #[serde(untagged)]
    Given(BTreeMap<String, f64>),
}

impl HeadFit {
    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            HeadFit::Gradient => "gradient",
            HeadFit::Convex => "convex",
        }
    }

    /// Whether it is the one that files leave out.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for HeadFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for HeadFit {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose("head", text, [HeadFit::Gradient, HeadFit::Convex].map(|fit| (fit.as_str(), fit)))
    }
}

impl HeadInit {
    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            HeadInit::FanIn => "fanin",
            HeadInit::Timm => "timm",
        }
    }
}

impl fmt::Display for HeadInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for HeadInit {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose(
            "head_init",
            text,
            [HeadInit::FanIn, HeadInit::Timm].map(|init| (init.as_str(), init)),
        )
    }
}
