//! Known data sets: which folders of a source to take, and under which class names.

use std::fmt;
use std::str::FromStr;

use kennel_core::CoreError;

/// A known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The five breeds of the published experiments.
    StanfordDogs5,
    /// All 120 breeds.
    StanfordDogs,
}

/// Synset and class name of the five.
const FIVE: [(&str, &str); 5] = [
    ("n02088364", "beagle"),
    ("n02108089", "boxer"),
    ("n02106662", "german_shepherd"),
    ("n02099601", "golden_retriever"),
    ("n02113624", "poodle"),
];

impl Preset {
    /// Every preset.
    pub const ALL: [Preset; 2] = [Preset::StanfordDogs5, Preset::StanfordDogs];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Preset::StanfordDogs5 => "stanford-dogs-5",
            Preset::StanfordDogs => "stanford-dogs",
        }
    }

    /// Returns the class of a folder, or none if the preset leaves it out. The five breeds also
    /// have their plain names, so that a folder that was prepared before is accepted, too.
    pub fn class_of(self, folder: &str) -> Option<String> {
        match self {
            Preset::StanfordDogs5 => FIVE
                .iter()
                .find(|(synset, name)| {
                    folder == *name
                        || split_synset(folder).is_some_and(|(found, _)| found == *synset)
                })
                .map(|(_, name)| (*name).to_string()),
            Preset::StanfordDogs => split_synset(folder).map(|(_, name)| name.to_lowercase()),
        }
    }

    /// Returns the classes that must exist, as synset and name.
    pub fn required(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Preset::StanfordDogs5 => &FIVE,
            Preset::StanfordDogs => &[],
        }
    }
}

/// Splits `n02088364-beagle` into synset and name, as Stanford Dogs names its folders.
pub(crate) fn split_synset(folder: &str) -> Option<(&str, &str)> {
    let (synset, name) = folder.split_once('-')?;
    let digits = synset.strip_prefix('n')?;
    (digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty())
        .then_some((synset, name))
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self, CoreError> {
        Preset::ALL.into_iter().find(|preset| preset.as_str() == text).ok_or_else(|| {
            CoreError::UnknownWord {
                what: "preset",
                found: text.into(),
                expected: "stanford-dogs-5, stanford-dogs".into(),
                nearest: kennel_core::did_you_mean(text, Preset::ALL.map(Preset::as_str))
                    .map(String::from),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{Hint, Hinted};

    use super::*;

    #[test]
    fn folders_of_stanford_dogs_get_plain_names() {
        let five = |folder| Preset::StanfordDogs5.class_of(folder);
        assert_eq!(five("n02113624-toy_poodle").as_deref(), Some("poodle"));
        assert_eq!(five("n02106662-German_shepherd").as_deref(), Some("german_shepherd"));
        assert_eq!(five("n02113799-standard_poodle"), None);
        let all = |folder| Preset::StanfordDogs.class_of(folder);
        assert_eq!(all("n02107908-Appenzeller").as_deref(), Some("appenzeller"));
        assert_eq!(all("n02105855-Shetland_sheepdog").as_deref(), Some("shetland_sheepdog"));
        assert_eq!(
            all("n02094258-black-and-tan_coonhound").as_deref(),
            Some("black-and-tan_coonhound")
        );
        assert_eq!(all("list-train"), None);
        let hints = "stanford-dog".parse::<Preset>().unwrap_err().hints();
        assert!(matches!(hints[..], [Hint::DidYouMean(_)]), "{hints:?}");
    }
}
