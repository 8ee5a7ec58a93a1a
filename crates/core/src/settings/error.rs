//! What can be wrong with settings.

use toml::Value;

use crate::{CoreError, Hint, Hinted};

/// A setting that cannot be read, or that the other settings do not allow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A text that is not TOML.
    #[error("{}", .0.to_string().trim_end())]
    Syntax(#[source] toml::de::Error),
    /// A key that does not exist.
    #[error("configuration: there is no setting `{key}`")]
    NoSuchSetting {
        /// The dotted key.
        key: String,
        /// The dotted key that is most like it, if one is.
        nearest: Option<String>,
    },
    /// A value of another kind.
    #[error("configuration: {key} is {found}, expected {expected}")]
    WrongValue {
        /// The dotted key.
        key: String,
        /// The value.
        found: Value,
        /// The kind of value that the key takes.
        expected: &'static str,
        /// The word that is most like the value, if one is.
        nearest: Option<&'static str>,
    },
    /// A word that is not one of the choices.
    #[error(transparent)]
    UnknownWord(#[from] CoreError),
    /// A key that the chosen optimiser, schedule or crop does not have.
    #[error(
        "{section} `{name}` has no setting `{key}`; it has {}",
        if known.is_empty() { "none".into() } else { known.join(", ") }
    )]
    NotOfThisChoice {
        /// `optimizer`, `scheduler` or `crop`.
        section: &'static str,
        /// The choice.
        name: &'static str,
        /// The key.
        key: &'static str,
        /// The keys that it has.
        known: &'static [&'static str],
    },
    /// Settings of a run that trains nothing, where a training was asked for.
    #[error("configuration: strategy is zero_shot: such a run trains nothing")]
    TrainsNothing,
    /// Settings without an architecture.
    #[error("configuration: there is no model")]
    NoModel,
}

impl Hinted for SettingsError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            SettingsError::NoSuchSetting { nearest: Some(nearest), .. } => {
                Hint::DidYouMean(nearest.clone())
            }
            SettingsError::WrongValue { nearest: Some(nearest), .. } => {
                Hint::DidYouMean((*nearest).into())
            }
            SettingsError::WrongValue { key, found: Value::String(name), .. }
                if key == "optimizer" || key == "scheduler" =>
            {
                Hint::ChoiceByName { section: key.clone(), name: name.clone() }
            }
            SettingsError::NotOfThisChoice { section, key, .. } => {
                Hint::OtherChoice { section, key }
            }
            SettingsError::TrainsNothing => Hint::ScoreOrTrain,
            SettingsError::NoModel => Hint::ListModels,
            SettingsError::UnknownWord(error) => return error.hints(),
            SettingsError::Syntax(_)
            | SettingsError::NoSuchSetting { .. }
            | SettingsError::WrongValue { .. } => return Vec::new(),
        };
        vec![hint]
    }
}

/// A setting that is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {found}, expected {expected}")]
pub struct OutOfBounds {
    /// Its name, as in `config.toml`.
    pub name: &'static str,
    /// The value.
    pub found: String,
    /// Which values are valid.
    pub expected: &'static str,
}
