//! What a run does: it trains some of the layers, or scores the untouched network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::choice::choose;

/// Which part of a pretrained network is trained. The order is that of the number of layers, and
/// what chooses among them is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The head only.
    Freeze,
    /// The head and the last stages.
    Partial,
    /// All layers.
    Full,
    /// What validation says: a head on the frozen network, the last stages, or all layers.
    Auto,
}

/// What a run does. Files and tables name it under `strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// Scores the unchanged ImageNet head: `zero_shot`.
    ZeroShot,
    /// Trains a new head and the layers of the strategy.
    Train(Strategy),
    /// Averages the weights of trained networks: `soup` (Wortsman et al. 2022).
    Soup,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Strategy; 4] =
        [Strategy::Freeze, Strategy::Partial, Strategy::Full, Strategy::Auto];

    /// The strategies of the published study, from the fewest trained layers to the most.
    pub const PUBLISHED: [Strategy; 3] = [Strategy::Freeze, Strategy::Partial, Strategy::Full];

    /// Returns its name on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Freeze => "freeze",
            Strategy::Partial => "partial",
            Strategy::Full => "full",
            Strategy::Auto => "auto",
        }
    }

    /// Returns the published learning rate; for `auto`, the one that it fine-tunes with.
    pub const fn learning_rate(self) -> f64 {
        match self {
            Strategy::Freeze | Strategy::Auto => 1e-3,
            Strategy::Partial => 1e-4,
            Strategy::Full => 1e-5,
        }
    }

    /// Returns the published number of epochs; for `auto`, that of each fine-tuning.
    pub const fn epochs(self) -> usize {
        match self {
            Strategy::Freeze | Strategy::Partial | Strategy::Auto => 15,
            Strategy::Full => 20,
        }
    }
}

impl Method {
    /// Returns its name in files, in tables and in the names of run directories.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::ZeroShot => "zero_shot",
            Method::Train(strategy) => strategy.as_str(),
            Method::Soup => "soup",
        }
    }

    /// Returns the strategy of a training.
    pub const fn strategy(self) -> Option<Strategy> {
        match self {
            Method::ZeroShot | Method::Soup => None,
            Method::Train(strategy) => Some(strategy),
        }
    }

    /// Whether the weights of the run's network were trained for its classes.
    pub const fn is_training(self) -> bool {
        !matches!(self, Method::ZeroShot)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose("strategy", text, Strategy::ALL.map(|strategy| (strategy.as_str(), strategy)))
    }
}

impl FromStr for Method {
    type Err = CoreError;

    /// An unknown word is answered with the strategies.
    fn from_str(text: &str) -> Result<Self, CoreError> {
        let known =
            [Method::ZeroShot, Method::Soup].into_iter().find(|known| known.as_str() == text);
        known.map_or_else(|| text.parse().map(Method::Train), Ok)
    }
}

impl TryFrom<String> for Method {
    type Error = CoreError;

    fn try_from(text: String) -> Result<Self, CoreError> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.as_str().into()
    }
}

impl From<Strategy> for Method {
    fn from(strategy: Strategy) -> Self {
        Method::Train(strategy)
    }
}
