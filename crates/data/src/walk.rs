//! Walks a source: by name, through links, without hidden or system entries.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use kennel_core::{RejectedPhoto, files, open_regular};

use crate::endings::{begins_like_photo, is_called_like_photo};
use crate::error::{DataError, Result};
use crate::litter::left_out;

const NOT_UTF8: &str = "the name is not UTF-8";

/// A file or a folder in a folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub path: PathBuf,
    /// A link to a folder counts as a folder. A broken link counts as a file, which cannot be read.
    pub is_dir: bool,
}

/// Lists one folder by name. Entries that are left out unread, and names that are not UTF-8, go
/// into `rejected`.
pub(crate) fn list(
    root: &Path,
    folder: &Path,
    rejected: &mut Vec<RejectedPhoto>,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(DataError::io("read", folder))? {
        let entry = entry.map_err(DataError::io("read", folder))?;
        let path = entry.path();
        let is_dir =
            entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink() && path.is_dir());
        match visible_name(&path) {
            Ok(name) => entries.push(Entry { name: name.into(), is_dir, path }),
            Err(reason) => {
                rejected.push(RejectedPhoto { path: relative(root, &path), reason: reason.into() });
                // All photos in a folder with such a name are left out: reject each of them, not
                // only the folder.
                if reason == NOT_UTF8 && is_dir {
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

/// Returns every file under `path` (or `path` itself), with its name relative to `root`. What
/// cannot be walked goes into `rejected`.
pub(crate) fn files_below(
    root: &Path,
    path: &Path,
    rejected: &mut Vec<RejectedPhoto>,
) -> Vec<(String, PathBuf)> {
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
                reject(
                    &at,
                    &format!("cannot be read: {error}").replace(&root.display().to_string(), "."),
                );
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

/// The subfolders with a photo somewhere below them, and whether photos lie beside them.
#[derive(Debug, Default)]
pub(crate) struct Photos {
    pub folders: Vec<Entry>,
    pub is_loose: bool,
}

impl Photos {
    /// Recognises photos by name, or by their first bytes if they have no ending. A folder that
    /// cannot be read counts as empty; reading it later reports the error.
    pub fn of(folder: &Path) -> Self {
        let mut photos = Photos::default();
        for entry in list(folder, folder, &mut Vec::new()).unwrap_or_default() {
            if !entry.is_dir {
                photos.is_loose = photos.is_loose || looks_like_photo(&entry.path);
            } else if holds_photo(&entry.path) {
                photos.folders.push(entry);
            }
        }
        photos
    }

    /// The folders' names.
    pub fn names(&self) -> Vec<&str> {
        self.folders.iter().map(|folder| folder.name.as_str()).collect()
    }

    /// Returns the folder that contains folders with the names of all others, as in archives that
    /// were packed twice.
    pub fn copy_of_all(&self) -> Option<&Entry> {
        let holds_all = |entry: &&Entry| {
            let mut others = self.folders.iter().filter(|other| other.path != entry.path);
            others.all(|other| entry.path.join(&other.name).is_dir())
        };
        self.folders.iter().find(holds_all).filter(|_| self.folders.len() > 2)
    }
}

fn holds_photo(folder: &Path) -> bool {
    let is_seen = |entry: &walkdir::DirEntry| visible_name(entry.path()).is_ok();
    let mut inside =
        walkdir::WalkDir::new(folder).follow_links(true).into_iter().filter_entry(is_seen);
    !(folder.is_symlink() && leads_up(folder))
        && inside.any(|entry| {
            entry.is_ok_and(|entry| entry.file_type().is_file() && looks_like_photo(entry.path()))
        })
}

fn looks_like_photo(path: &Path) -> bool {
    is_called_like_photo(path)
        || path.extension().is_none() && begins_like_photo(&beginning(path)).is_some()
}

/// How many bytes tell a format.
pub(crate) const BEGINNING_BYTES: usize = 16;

/// Returns the first bytes of a file; none if it cannot be read.
pub(crate) fn beginning(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = |file: File| file.take(BEGINNING_BYTES as u64).read_to_end(&mut bytes).is_ok();
    match open_regular(path).is_ok_and(read) {
        true => bytes,
        false => Vec::new(),
    }
}

/// Returns the name of an entry, or why the entry is left out.
pub(crate) fn visible_name(path: &Path) -> Result<&str, &'static str> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or(NOT_UTF8)?;
    left_out(name).map_or(Ok(name), Err)
}

/// Whether a link leads to a folder that contains the link: all classes would then count as one.
/// Other links to folders are fine, so a class folder may be a link.
fn leads_up(link: &Path) -> bool {
    match (link.canonicalize(), files::folder_of(link).canonicalize()) {
        (Ok(target), Ok(folder)) => folder.starts_with(target),
        _ => false,
    }
}

/// Returns the path relative to the source, with `/`.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    files::with_slashes(inside)
}
