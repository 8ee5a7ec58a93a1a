//! How a source folder is laid out: which files belong to which class, and to which part where it is already divided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kennel_core::{RejectedPhoto, Split, composed, files};

use crate::error::{DataError, Result};
use crate::preset::{Preset, split_synset};

/// Why a file beside the class folders is left out.
pub(crate) const NOT_IN_A_CLASS: &str = "not in a class folder";

/// A file in a class folder, not yet looked into.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Relative to the source, with `/`.
    pub source: String,
    /// Where it is.
    pub file: PathBuf,
    /// Class name.
    pub label: String,
    /// Its part of a given division.
    pub given: Option<Split>,
}

/// Every file of a source.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub candidates: Vec<Candidate>,
    pub rejected: Vec<RejectedPhoto>,
    /// Whether the source was divided into train, val and test.
    pub divided: bool,
    /// Names of all class folders, also of those without a photo.
    pub classes: Vec<String>,
    /// What was decided.
    pub notes: Vec<String>,
    /// How a class's folder was called first, before its name was brought to Unicode's composed form (NFC).
    spellings: BTreeMap<String, String>,
}

impl Layout {
    /// Walks `root`; `unwrap_single` steps into a lone top folder, as archives have.
    pub fn read(root: &Path, preset: Option<Preset>, unwrap_single: bool) -> Result<Self> {
        let mut layout = Layout::default();
        let mut base = root.to_path_buf();
        let mut entries = list(root, root, &mut layout.rejected)?;
        while let Some(inner) = photo_folder(&entries, unwrap_single).map(|entry| entry.path.clone()) {
            for entry in &entries {
                if is_annotations(entry) {
                    layout.notes.push(format!(
                        "`{}` holds annotations, which are not used.",
                        relative(root, &entry.path)
                    ));
                } else if entry.path != inner {
                    layout.reject_all(root, &entry.path, NOT_IN_A_CLASS)?;
                }
            }
            base = inner;
            entries = list(root, &base, &mut layout.rejected)?;
        }
        layout.divided = entries.iter().any(|entry| {
            entry.is_dir && split_of_folder(&entry.name) == Some(Split::Train) && has_subfolder(&entry.path)
        });
        for entry in entries {
            let split = split_of_folder(&entry.name).filter(|_| entry.is_dir);
            if !layout.divided {
                layout.read_class(root, entry, preset, None)?;
            } else if split.is_some() {
                for class in list(root, &entry.path, &mut layout.rejected)? {
                    layout.read_class(root, class, preset, split)?;
                }
            } else {
                layout.reject_all(root, &entry.path, "not in train/, val/ or test/")?;
            }
        }
        layout.finish_names(preset);
        if let Some(preset) = preset {
            layout.check_preset(&base, preset)?;
        }
        Ok(layout)
    }

    fn read_class(
        &mut self,
        root: &Path,
        entry: Entry,
        preset: Option<Preset>,
        given: Option<Split>,
    ) -> Result<()> {
        if !entry.is_dir {
            return self.reject_all(root, &entry.path, NOT_IN_A_CLASS);
        }
        let label = match preset {
            // A name from a Mac and the same name typed elsewhere are other bytes (`é` and `e` with an accent), but one class.
            None => composed(&entry.name),
            Some(preset) => match preset.class_of(&entry.name) {
                Some(label) => label,
                // The other breeds are not files that went wrong: they were not asked for.
                None => return Ok(()),
            },
        };
        let spelling = self.spellings.entry(label.clone()).or_insert_with(|| entry.name.clone());
        if *spelling != entry.name {
            self.notes
                .push(format!("Two spellings of `{label}` in Unicode look the same: they are one class."));
        }
        self.classes.push(label.clone());
        for file in files_below(root, &entry.path, &mut self.rejected) {
            self.candidates.push(Candidate { source: file.0, file: file.1, label: label.clone(), given });
        }
        Ok(())
    }

    fn reject_all(&mut self, root: &Path, path: &Path, reason: &str) -> Result<()> {
        let mut rejected = Vec::new();
        for (source, _) in files_below(root, path, &mut rejected) {
            rejected.push(RejectedPhoto { path: source, reason: reason.into() });
        }
        self.rejected.append(&mut rejected);
        Ok(())
    }

    /// Without a preset, folders that are all called `n02088364-beagle` lose their synsets where the rest stays unique.
    fn finish_names(&mut self, preset: Option<Preset>) {
        self.classes.sort();
        self.classes.dedup();
        if preset.is_none() && self.classes.iter().all(|class| split_synset(class).is_some()) {
            let plain = |class: &str| split_synset(class).map(|(_, name)| name.to_lowercase());
            let mut short: Vec<String> = self.classes.iter().filter_map(|class| plain(class)).collect();
            short.sort();
            short.dedup();
            if short.len() == self.classes.len() && !short.is_empty() {
                for candidate in &mut self.candidates {
                    if let Some(name) = plain(&candidate.label) {
                        candidate.label = name;
                    }
                }
                self.classes = short;
                self.notes
                    .push("Classes are named without their synsets (`n02088364-beagle` is `beagle`).".into());
            }
        }
        self.candidates.sort_by(|a, b| a.source.cmp(&b.source));
    }

    fn check_preset(&self, base: &Path, preset: Preset) -> Result<()> {
        let missing: Vec<String> = preset
            .required()
            .iter()
            .filter(|(_, name)| !self.classes.iter().any(|class| class == name))
            .map(|(synset, name)| format!("{synset} ({name})"))
            .collect();
        let found = if self.classes.is_empty() {
            "it has no folder such as `n02088364-beagle`".to_string()
        } else if !missing.is_empty() {
            format!("there is no folder of {}", missing.join(", "))
        } else {
            return Ok(());
        };
        Err(DataError::NotThePreset {
            path: base.into(),
            preset: preset.as_str(),
            found,
            hint: "give Stanford Dogs' `images.tar` or the folder that holds `Images`; without --preset, every folder is a class".into(),
        })
    }
}

/// The folder that the classes are in, where they are not in this one: `Images` or `images` (Stanford's tar, and twice in Kaggle's
/// unzip); a folder that holds one of those, or train and val, and stands alone; in an archive, any lone folder.
fn photo_folder(entries: &[Entry], unwrap_single: bool) -> Option<&Entry> {
    let folders = || entries.iter().filter(|entry| entry.is_dir && !is_annotations(entry));
    let called = |name: &str| folders().find(|entry| entry.name.eq_ignore_ascii_case(name));
    let lone = || folders().next().filter(|entry| folders().count() == 1 && !is_a_part(entry));
    let inside = |entry: &&Entry| {
        let names = subfolders(&entry.path);
        unwrap_single
            || names.iter().any(|name| {
                name.eq_ignore_ascii_case("images") || split_of_folder(name) == Some(Split::Train)
            })
            || !names.is_empty() && names.iter().all(|name| split_synset(name).is_some())
    };
    called("images").or_else(|| lone().filter(inside)).filter(|entry| has_subfolder(&entry.path))
}

fn is_a_part(entry: &Entry) -> bool {
    split_of_folder(&entry.name).is_some()
}

/// Whether a folder is Stanford Dogs' boxes: `Annotation`, or Kaggle's `annotations` around it. A class may be called so too: what
/// lies in these has no ending, or that of a box.
fn is_annotations(entry: &Entry) -> bool {
    if !entry.is_dir || !["annotation", "annotations"].contains(&entry.name.to_lowercase().as_str()) {
        return false;
    }
    let mut files = walkdir::WalkDir::new(&entry.path)
        .into_iter()
        .filter_map(|inside| inside.ok().filter(|inside| inside.file_type().is_file()));
    files.all(|file| {
        file.path()
            .extension()
            .is_none_or(|ending| ["xml", "mat", "txt", "json"].iter().any(|known| ending == *known))
    })
}

/// The part that a folder's name stands for, in the spellings of the data sets that are about.
fn split_of_folder(name: &str) -> Option<Split> {
    match name.to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

struct Entry {
    name: String,
    path: PathBuf,
    is_dir: bool,
}

/// What is in one folder, by name; hidden entries and names that are not UTF-8 become rows.
fn list(root: &Path, folder: &Path, rejected: &mut Vec<RejectedPhoto>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(DataError::io("read", folder))? {
        let path = entry.map_err(DataError::io("read", folder))?.path();
        match visible_name(&path) {
            // A link to a folder is a folder; a broken one is a file that cannot be read.
            Ok(name) => entries.push(Entry { name: name.into(), is_dir: path.is_dir(), path }),
            Err(reason) => {
                rejected.push(RejectedPhoto { path: relative(root, &path), reason: reason.into() });
                // A class folder that cannot be named is not one row: each of its photos is left out.
                if reason == NOT_UTF8 && path.is_dir() {
                    let inside = walkdir::WalkDir::new(&path).min_depth(1).sort_by_file_name();
                    rejected.extend(inside.into_iter().map(|entry| RejectedPhoto {
                        path: relative(root, entry.as_ref().map_or(&path, |entry| entry.path())),
                        reason: "in a folder whose name is not UTF-8".into(),
                    }));
                }
            }
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

const NOT_UTF8: &str = "the name is not UTF-8";

fn visible_name(path: &Path) -> Result<&str, &'static str> {
    match path.file_name().and_then(|name| name.to_str()) {
        None => Err(NOT_UTF8),
        Some(name) if name.starts_with('.') => Err("hidden"),
        Some(name) => Ok(name),
    }
}

fn has_subfolder(folder: &Path) -> bool {
    !subfolders(folder).is_empty()
}

/// The names of the folders in a folder that can be seen.
fn subfolders(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let folders =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path()).filter(|path| path.is_dir()));
    folders.filter_map(|path| visible_name(&path).map(String::from).ok()).collect()
}

/// Every file under `path` (or `path` itself), with its name relative to `root`. What cannot be walked becomes a row.
fn files_below(root: &Path, path: &Path, rejected: &mut Vec<RejectedPhoto>) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    let mut reject = |path: &Path, reason: &str| {
        rejected.push(RejectedPhoto { path: relative(root, path), reason: reason.into() });
    };
    let mut walk = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().unwrap_or(path).to_path_buf();
                reject(&at, &format!("cannot be read: {error}").replace(&root.display().to_string(), "."));
                continue;
            }
        };
        let is_dir = entry.file_type().is_dir();
        if let Err(reason) = visible_name(entry.path()) {
            reject(entry.path(), reason);
            if is_dir {
                walk.skip_current_dir();
            }
        } else if is_dir && entry.path_is_symlink() && leads_up(entry.path()) {
            reject(entry.path(), "a link to a folder that it lies in");
            walk.skip_current_dir();
        } else if entry.file_type().is_file() {
            files.push((relative(root, entry.path()), entry.into_path()));
        } else if !is_dir {
            reject(entry.path(), "not a regular file");
        }
    }
    files
}

/// Whether a link leads to a folder that it lies in: all classes would enter under the name of one. A class folder may be a link.
fn leads_up(link: &Path) -> bool {
    match (link.canonicalize(), files::folder_of(link).canonicalize()) {
        (Ok(target), Ok(folder)) => folder.starts_with(target),
        _ => false,
    }
}

/// Relative to the source, with `/`.
fn relative(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    files::with_slashes(inside)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_link_upwards_is_not_followed_and_a_folder_without_a_name_is_counted_photo_by_photo() {
        let dir = tempfile::tempdir().unwrap();
        for class in ["ant", "bee"] {
            std::fs::create_dir(dir.path().join(class)).unwrap();
            std::fs::write(dir.path().join(class).join("1.jpg"), "").unwrap();
        }
        std::os::unix::fs::symlink("..", dir.path().join("ant/loop")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("all")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("1.jpg"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("wasp")).unwrap();
        let nameless = dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        std::fs::create_dir(&nameless).unwrap();
        for photo in ["1.jpg", "2.jpg"] {
            std::fs::write(nameless.join(photo), "").unwrap();
        }
        let layout = Layout::read(dir.path(), None, false).unwrap();
        let found: Vec<&str> = layout.candidates.iter().map(|photo| photo.source.as_str()).collect();
        assert_eq!(found, ["ant/1.jpg", "bee/1.jpg", "wasp/1.jpg"]);
        let reasons: Vec<&str> = layout.rejected.iter().map(|photo| photo.reason.as_str()).collect();
        assert_eq!(reasons.iter().filter(|reason| reason.contains("not UTF-8")).count(), 3, "{reasons:?}");
        let loops = reasons.iter().filter(|reason| **reason == "a link to a folder that it lies in");
        assert_eq!(loops.count(), 2, "{reasons:?}");
    }
}
