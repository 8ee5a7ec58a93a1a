//! Groups photos that must not be divided: the photos of a burst, a camera, an animal.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use kennel_core::{CoreError, did_you_mean};
use regex::Regex;

use crate::error::{DataError, Result};
use crate::scan::ScannedPhoto;
use crate::table::{Column, Table};

/// How photos are grouped. Photos of one group stay in one split and in one fold.
#[derive(Clone, Debug)]
pub enum GroupBy {
    /// By the folder below the class's folder: `beagle/rex/1.jpg` is of the group `rex`. A folder of
    /// the same name under another class is the same group, because it may be the same camera or
    /// patient.
    Folder,
    /// By what the first parentheses of a pattern match in the photo's path in the source.
    Regex(Regex),
    /// By the columns `path` and `group` of a CSV file. Paths are those in the source.
    Csv(PathBuf),
    /// By the time of the exposure: a photo is of the group of the one before it by the same camera
    /// if at most so many seconds lie between them.
    ExifTime {
        /// Most seconds between a photo and the next one of its group.
        seconds: u32,
    },
}

impl GroupBy {
    /// Seconds between the photos of a burst, unless others are asked for.
    pub const BURST_S: u32 = 10;
    /// The forms of [`GroupBy::from_str`].
    pub const FORMS: [&str; 4] = ["folder", "regex:PATTERN", "csv:FILE", "exif-time[:SECONDS]"];

    /// Whether it needs the times of the photos.
    pub(crate) fn reads_time(&self) -> bool {
        matches!(self, GroupBy::ExifTime { .. })
    }
}

impl FromStr for GroupBy {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |reason: String| DataError::GroupBy { found: text.into(), reason };
        let (word, value) = match text.split_once(':') {
            Some((word, value)) => (word, Some(value)),
            None => (text, None),
        };
        match (word, value) {
            ("folder", None) => Ok(GroupBy::Folder),
            ("folder", Some(_)) => Err(refuse("`folder` takes no value".into())),
            ("regex" | "csv", None | Some("")) => {
                Err(refuse(format!("`{word}` needs a value behind a colon")))
            }
            ("regex", Some(pattern)) => {
                let regex = Regex::new(pattern).map_err(|error| refuse(error.to_string()))?;
                match regex.captures_len() {
                    1 => Err(refuse("the pattern has no parentheses around the group".into())),
                    _ => Ok(GroupBy::Regex(regex)),
                }
            }
            ("csv", Some(file)) => Ok(GroupBy::Csv(file.into())),
            ("exif-time", None) => Ok(GroupBy::ExifTime { seconds: Self::BURST_S }),
            ("exif-time", Some(seconds)) => match seconds.parse() {
                Ok(seconds) => Ok(GroupBy::ExifTime { seconds }),
                Err(_) => Err(refuse(format!("`{seconds}` is no whole number of seconds"))),
            },
            _ => Err(CoreError::UnknownWord {
                what: "grouping",
                found: text.into(),
                expected: Self::FORMS.join(", "),
                nearest: did_you_mean(word, ["folder", "regex", "csv", "exif-time"])
                    .map(String::from),
            }
            .into()),
        }
    }
}

impl fmt::Display for GroupBy {
    /// Writes what the manifest records. The place of a table is not recorded: it differs between
    /// machines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupBy::Folder => f.write_str("folder"),
            GroupBy::Regex(regex) => write!(f, "regex:{regex}"),
            GroupBy::Csv(_) => f.write_str("csv"),
            GroupBy::ExifTime { seconds } => write!(f, "exif-time:{seconds}"),
        }
    }
}

/// A [`GroupBy`] whose table was read.
pub(crate) struct Grouping<'a> {
    by: &'a GroupBy,
    table: Option<Table>,
}

impl<'a> Grouping<'a> {
    /// Reads the table, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Table::read`].
    pub fn read(by: &'a GroupBy) -> Result<Self> {
        let column = Column { name: "group", needed: true };
        let table = match by {
            GroupBy::Csv(file) => Some(Table::read(file, &[column])?),
            _ => None,
        };
        Ok(Grouping { by, table })
    }

    /// What the manifest records.
    pub fn name(&self) -> String {
        self.by.to_string()
    }

    /// Returns the group of each photo.
    ///
    /// # Errors
    ///
    /// [`DataError::NoGroups`] if no photo has a group; [`DataError::Table`] if the table names a
    /// photo that is not there.
    pub fn groups(&self, photos: &[ScannedPhoto], source: &Path) -> Result<Vec<Option<String>>> {
        let groups: Vec<Option<String>> = match (self.by, &self.table) {
            (GroupBy::Folder, _) => photos.iter().map(|photo| photo.folder.clone()).collect(),
            (GroupBy::Regex(regex), _) => {
                let group = |photo: &ScannedPhoto| {
                    Some(regex.captures(&photo.source)?.get(1)?.as_str().to_string())
                };
                photos.iter().map(group).collect()
            }
            (GroupBy::ExifTime { seconds }, _) => bursts(photos, (*seconds).into()),
            (GroupBy::Csv(_), Some(table)) => {
                let rows = table.by_photo(photos.iter().map(|photo| photo.source.as_str()))?;
                let group =
                    |photo: &ScannedPhoto| rows.get(photo.source.as_str())?.values[0].clone();
                photos.iter().map(group).collect()
            }
            (GroupBy::Csv(_), None) => vec![None; photos.len()],
        };
        let groups: Vec<Option<String>> =
            groups.into_iter().map(|group| group.filter(|group| !group.is_empty())).collect();
        match groups.iter().any(Option::is_some) {
            true => Ok(groups),
            false => Err(DataError::NoGroups {
                path: source.into(),
                by: self.name(),
                reason: match self.by {
                    GroupBy::Folder => "no photo lies in a folder below that of its class",
                    GroupBy::Regex(_) => "the pattern matches no path",
                    GroupBy::Csv(_) => "the table gives no photo a group",
                    GroupBy::ExifTime { .. } => "no photo states when it was taken",
                },
            }),
        }
    }
}

/// Groups the photos of each camera by time. A group is named by its first photo's time and by its
/// camera.
fn bursts(photos: &[ScannedPhoto], seconds: i64) -> Vec<Option<String>> {
    let mut by_camera: BTreeMap<&str, Vec<(i64, &str, usize)>> = BTreeMap::new();
    for (at, photo) in photos.iter().enumerate() {
        if let Some(taken) = &photo.taken {
            let of_camera = by_camera.entry(&taken.camera).or_default();
            of_camera.push((taken.second, &taken.time, at));
        }
    }
    let mut groups = vec![None; photos.len()];
    for (camera, mut times) in by_camera {
        times.sort_unstable();
        for burst in times.chunk_by(|a, b| b.0 - a.0 <= seconds) {
            let name = format!("{} {camera}", burst[0].1);
            burst.iter().for_each(|&(.., at)| groups[at] = Some(name.trim().to_string()));
        }
    }
    groups
}

/// Returns sentences on the groups: how many there are, and how many photos have none.
pub(crate) fn note_groups(name: &str, groups: &[Option<String>], notes: &mut Vec<String>) {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    groups.iter().flatten().for_each(|group| *sizes.entry(group).or_default() += 1);
    let largest = sizes.values().max().copied().unwrap_or_default();
    let alone = groups.iter().filter(|group| group.is_none()).count();
    notes.push(format!(
        "Photos are grouped by `{name}`: {} groups of up to {largest} photos; each stays on one \
         side.",
        sizes.len(),
    ));
    if alone > 0 {
        notes.push(format!(
            "{alone} of {} photos are of no group: each is divided alone.",
            groups.len()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Taken;
    use crate::fingerprint::Fingerprint;

    fn parsed(text: &str) -> Result<String, String> {
        text.parse::<GroupBy>().map(|by| by.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_grouping_is_a_word_and_its_value() {
        for (text, name) in [
            ("folder", "folder"),
            ("regex:(animal[0-9]+):?", "regex:(animal[0-9]+):?"),
            ("csv:C:\\groups.csv", "csv"),
            ("exif-time", "exif-time:10"),
            ("exif-time:60", "exif-time:60"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(name), "{text}");
        }
        for (text, part) in [
            ("folders", "unknown grouping `folders`; expected one of: folder, regex:PATTERN"),
            ("", "unknown grouping"),
            ("folder:2", "`folder` takes no value"),
            ("regex", "`regex` needs a value behind a colon"),
            ("csv:", "`csv` needs a value behind a colon"),
            ("regex:(a", "unclosed group"),
            ("regex:animal", "no parentheses"),
            ("exif-time:1.5", "`1.5` is no whole number of seconds"),
            ("exif-time:-1", "`-1` is no whole number of seconds"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_burst_ends_at_a_gap_and_belongs_to_one_camera() {
        let photo = |second: Option<i64>, camera: &str| ScannedPhoto {
            source: String::new(),
            file: PathBuf::new(),
            label: String::new(),
            given: None,
            folder: None,
            group: None,
            width_px: 64,
            height_px: 64,
            sha256: String::new(),
            fingerprint: Fingerprint::new(&image::RgbImage::new(64, 64)),
            taken: second.map(|second| Taken {
                second,
                time: format!("at {second}"),
                camera: camera.into(),
            }),
        };
        let photos = [
            photo(Some(25), "a"),
            photo(Some(0), "a"),
            photo(Some(36), "a"),
            photo(None, ""),
            photo(Some(12), "b"),
            photo(Some(10), "a"),
            photo(Some(20), "a"),
            photo(Some(99), ""),
        ];
        let groups = bursts(&photos, 10);
        let names: Vec<&str> = groups.iter().map(|group| group.as_deref().unwrap_or("-")).collect();
        assert_eq!(
            names,
            ["at 0 a", "at 0 a", "at 36 a", "-", "at 12 b", "at 0 a", "at 0 a", "at 99"]
        );
        let mut notes = Vec::new();
        note_groups("exif-time:10", &groups, &mut notes);
        assert!(notes[0].contains("4 groups of up to 4 photos"), "{notes:?}");
        assert!(notes[1].starts_with("1 of 8 photos are of no group"), "{notes:?}");
    }
}
