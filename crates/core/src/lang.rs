//! The languages of the pages that Kennel writes.

use std::fmt;
use std::str::FromStr;

use crate::CoreError;
use crate::choice::choose;

/// The language of a page. Files for programs and the terminal stay in English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English. Numbers have a decimal point.
    #[default]
    En,
    /// Russian. Numbers have a decimal comma.
    Ru,
}

impl Lang {
    /// Every language.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Ru];

    /// Returns its ISO 639-1 code, as `lang` of an HTML page has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ru => "ru",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        choose("language", text, Lang::ALL.map(|lang| (lang.as_str(), lang)))
    }
}
