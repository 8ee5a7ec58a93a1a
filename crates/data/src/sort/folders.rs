//! Names of folders for classes, safe on every system.

use std::collections::HashSet;

use kennel_core::caseless;

use super::journal::JOURNAL;
use crate::litter::left_out;

/// Folder of photos whose label is not sure enough.
const UNSURE: &str = "unsure";
/// Folder of photos of none of the classes.
const UNKNOWN: &str = "unknown";
/// Longest name of a class's folder in bytes. Most systems allow 255; a number may follow.
const MAX_BYTES: usize = 200;
/// Names of devices on Windows, whatever follows after a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// Numbered devices.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// Where a photo belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bin {
    /// The class of this index.
    Class(usize),
    /// No label is sure enough.
    Unsure,
    /// None of the classes.
    Unknown,
}

impl Bin {
    /// Returns the name of its folder, given those of the classes.
    pub(super) fn folder(self, of_classes: &[String]) -> &str {
        match self {
            Bin::Class(index) => &of_classes[index],
            Bin::Unsure => UNSURE,
            Bin::Unknown => UNKNOWN,
        }
    }
}

/// Returns a name of a folder for each class: the class's own if it is a plain name on every
/// system, else a similar one. A name is never empty and leads into no other folder. No two differ
/// in capitals only, and none is that of another [`Bin`].
pub fn folder_names(class_names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = [UNSURE, UNKNOWN, JOURNAL].map(String::from).into();
    let plain: Vec<String> = class_names.iter().map(|name| plain(name)).collect();
    let mut names = vec![String::new(); class_names.len()];
    // Classes that can keep their names choose first.
    let keeps = |&index: &usize| plain[index] == class_names[index];
    let (keep, others): (Vec<usize>, Vec<usize>) = (0..plain.len()).partition(keeps);
    for index in keep.into_iter().chain(others) {
        let name = |number: usize| match number {
            1 => plain[index].clone(),
            number => format!("{}-{number}", plain[index]),
        };
        let free = (1..).map(name).find(|name| taken.insert(caseless(name)));
        names[index] = free.expect("numbers do not end");
    }
    names
}

/// Replaces what a folder's name must not hold.
fn plain(class: &str) -> String {
    let is_allowed = |c: char| !c.is_control() && !r#"/\:*?"<>|"#.contains(c);
    let mut name: String = class.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
    if name.len() > MAX_BYTES {
        name.truncate(name.floor_char_boundary(MAX_BYTES));
    }
    // Windows drops dots and spaces at the end; `.` and `..` are folders of their own.
    if name.ends_with(['.', ' ']) {
        name.pop();
        name.push('_');
    }
    if name.starts_with([' ', '.']) || is_device(&name) || left_out(&name).is_some() {
        name.insert(0, '_');
    }
    if name.is_empty() { "_".into() } else { name }
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_numbered = |device: &&str| {
        let number = stem.strip_prefix(*device).unwrap_or_default();
        number.chars().count() == 1 && number.contains(char::is_numeric)
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn names(classes: &[&str]) -> Vec<String> {
        folder_names(&classes.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn plain_names_stay_and_others_become_plain() {
        let table = [
            ("Old English sheepdog", "Old English sheepdog"),
            ("чёрный пёс 1", "чёрный пёс 1"),
            ("console", "console"),
            ("../../etc", "_.._.._etc"),
            ("..", "_._"),
            (".", "_"),
            ("", "_"),
            ("/etc/passwd", "_etc_passwd"),
            (r"C:\Windows", "C__Windows"),
            ("con", "_con"),
            ("Aux.h", "_Aux.h"),
            ("lpt3", "_lpt3"),
            ("COM¹", "_COM¹"),
            (".git", "_.git"),
            ("dog. ", "dog._"),
            ("a\nb\0c", "a_b_c"),
            ("@eaDir", "_@eaDir"),
        ];
        for (class, expected) in table {
            assert_eq!(names(&[class]), [expected], "{class:?}");
        }
        assert!(names(&["ё".repeat(400).as_str()])[0].len() <= MAX_BYTES);
    }

    #[test]
    fn no_two_classes_share_a_folder() {
        assert_eq!(names(&["a/b", "a_b"]), ["a_b-2", "a_b"]);
        assert_eq!(names(&["Cat", "cat", "CAT"]), ["Cat", "cat-2", "CAT-3"]);
        assert_eq!(names(&["unknown", "Unsure", "dog"]), ["unknown-2", "Unsure-2", "dog"]);
        assert_eq!(names(&["sorted.jsonl"]), ["sorted.jsonl-2"]);
    }

    proptest! {
        #[test]
        fn every_name_is_one_folder_of_its_own(
            classes in prop::collection::vec(r#"[a-bA-B./\\: ]{0,4}|con|nul\.x|\PC{0,3}"#, 1..8)
        ) {
            let names = folder_names(&classes);
            let mut seen = HashSet::new();
            for name in &names {
                let parts: Vec<_> = Path::new(name).components().collect();
                prop_assert!(matches!(parts[..], [Component::Normal(_)]), "{name:?}");
                prop_assert!(!name.ends_with(['.', ' ']) && !name.starts_with('.'), "{name:?}");
                prop_assert!(seen.insert(name.to_lowercase()), "{name:?} twice");
                prop_assert!(![UNSURE, UNKNOWN].contains(&name.to_lowercase().as_str()));
            }
        }
    }
}
