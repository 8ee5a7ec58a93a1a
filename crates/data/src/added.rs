//! Folders whose photos join those of a source. Every folder in an added one is a class.
//!
//! A photo is named apart from the source's own: `+new/beagle/1.jpg` is `beagle/1.jpg` in the added
//! folder `new`. The place of that folder is not recorded, because it differs between machines.

use std::path::{Path, PathBuf};

use kennel_core::{Split, composed};

use crate::division::parts_among;
use crate::error::{DataError, Result};
use crate::layout::{Layout, is_control};
use crate::litter::left_out;
use crate::reading::Expected;

/// Stands before the name of an added folder.
const MARK: char = '+';
/// Longest name of a new class, in bytes. A file system takes 255 of a name.
const MAX_NAME: usize = 200;

impl Layout {
    /// Adds the photos of `folders` to those of a source at `root`, behind the source's own.
    ///
    /// # Errors
    ///
    /// [`DataError::NotAdded`] for a path that leads to no folder, and for a folder that overlaps
    /// the source or another added folder, has a name that is taken, has no folder of a class, or
    /// is divided.
    pub fn add(&mut self, root: &Path, folders: &[PathBuf]) -> Result<()> {
        let mut places = vec![root.canonicalize().map_err(DataError::io("read", root))?];
        for folder in folders {
            let refuse = |reason: String| Err(DataError::NotAdded { path: folder.clone(), reason });
            let place = check_is_folder(folder)?;
            if let Some(other) =
                places.iter().find(|other| place.starts_with(other) || other.starts_with(&place))
            {
                let other = kennel_core::shown(other);
                return refuse(format!("it lies in {other}, or around it"));
            }
            let name = added_name(folder)?;
            if self.added.contains(&name) || root.join(&name).exists() {
                return refuse(format!("other photos have the name `{name}` already"));
            }
            let expected = Expected { classes_are: Some(Path::new(".")), ..Expected::default() };
            let added = Layout::read(folder, folder, expected)?;
            if added.classes.is_empty() {
                return refuse("it has no folder of a class".into());
            }
            let names: Vec<&str> = added.classes.iter().map(String::as_str).collect();
            let mut parts = names.iter().zip(parts_among(&names));
            let is_of_no_class =
                |(name, part): &(&&str, Option<Split>)| part.is_some() && !self.has_class(name);
            if let Some((part, _)) = parts.find(is_of_no_class) {
                return refuse(format!(
                    "its folder `{part}` is called like a part of a division, expected classes"
                ));
            }
            places.push(place);
            self.take(name, added);
        }
        self.classes.sort();
        self.classes.dedup();
        Ok(())
    }

    fn has_class(&self, name: &str) -> bool {
        self.classes.iter().any(|class| class == name)
    }

    /// Takes the photos of an added folder, under its name.
    fn take(&mut self, name: String, added: Layout) {
        let named = |path: &str| format!("{name}/{path}");
        self.candidates.extend(added.candidates.into_iter().map(|mut candidate| {
            candidate.source = named(&candidate.source);
            candidate
        }));
        self.rejected.extend(added.rejected.into_iter().map(|mut photo| {
            photo.path = named(&photo.path);
            photo
        }));
        self.classes.extend(added.classes);
        self.notes.extend(added.notes.iter().map(|note| format!("`{name}`: {note}")));
        self.added.push(name);
    }
}

/// Returns the place of a folder that is to be added.
///
/// # Errors
///
/// [`DataError::NotAdded`] if it is no folder.
pub(crate) fn check_is_folder(folder: &Path) -> Result<PathBuf> {
    let refuse = |reason: &str| DataError::NotAdded { path: folder.into(), reason: reason.into() };
    match folder.canonicalize() {
        Ok(place) if place.is_dir() => Ok(place),
        Ok(_) => Err(refuse("it is a file, expected a folder of class folders")),
        Err(error) => Err(refuse(&format!("it cannot be read: {error}"))),
    }
}

/// Returns what the names of an added folder's photos begin with: `+new`.
///
/// # Errors
///
/// [`DataError::NotAdded`] if the folder's name cannot be written into a table.
pub fn added_name(folder: &Path) -> Result<String> {
    let place = folder.canonicalize().unwrap_or_else(|_| folder.into());
    let name = folder.file_name().or(place.file_name()).unwrap_or_default();
    match name.to_str().filter(|name| !name.is_empty() && !name.contains(is_control)) {
        Some(name) => Ok(format!("{MARK}{}", composed(name))),
        None => Err(DataError::NotAdded {
            path: folder.into(),
            reason: "its name is not UTF-8, or has a control character".into(),
        }),
    }
}

/// Returns why a folder of this name cannot be a new class; none if it can, on any system.
pub fn refused_class_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Some("it must have 1 to 200 bytes");
    }
    if name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) || name.contains(is_control) {
        return Some("it has a character that the name of a folder may not have");
    }
    if left_out(name).is_some() {
        return Some("folders of such a name are not read");
    }
    if name.trim() != name || name.ends_with('.') {
        return Some("it begins or ends with a space, or ends with a dot");
    }
    parts_among(&[name])[0].map(|_| "it is the name of a part of a division")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_class_has_the_name_of_one_visible_folder() {
        for name in ["beagle", "Кошка", "toy train", "a.b", "C++"] {
            assert_eq!(refused_class_name(name), None, "{name}");
        }
        let long = "x".repeat(201);
        for name in
            ["", ".", "..", "../x", "a/b", "a\\b", "C:", ".x", "x.", " x", "a\nb", "Test", &long]
        {
            assert!(refused_class_name(name).is_some(), "{name:?}");
        }
    }
}
