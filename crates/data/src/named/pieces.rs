//! What a name stands for: photos, or a tar of them.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::no_photo::NoPhoto;
use super::numbered::numbered;
use crate::endings::{begins_like_photo, is_called_like_photo};
use crate::litter::left_out;
use crate::photo_source::{PhotoSource, is_address};
use crate::walk::beginning;

/// What is dealt to one process as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Photo(PhotoSource),
    Tar(PathBuf),
}

impl Piece {
    /// A file, by its name.
    fn of_file(path: PathBuf) -> Self {
        match is_tar_name(&path) {
            true => Piece::Tar(path),
            false => Piece::Photo(PhotoSource::File(path)),
        }
    }
}

/// Whether a file of this name stands for the photos in it.
pub fn is_tar_name(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

/// A piece, or a name that leads to none.
pub(super) type Found = Result<Piece, NoPhoto>;

/// Finds the pieces that a name stands for.
pub(super) fn pieces(path: PathBuf) -> Box<dyn Iterator<Item = Found>> {
    let name = path.to_string_lossy().into_owned();
    if name == "-" {
        return Box::new(std::iter::once(Ok(Piece::Photo(PhotoSource::Stdin))));
    }
    if path.is_dir() {
        return or_none(name, "no photo lies in it", in_folder(path));
    }
    if path.exists() || is_address(&path) {
        return Box::new(std::iter::once(Ok(Piece::of_file(path))));
    }
    if let Some(names) = numbered(&name) {
        return Box::new(names.flat_map(|name| pieces(name.into())));
    }
    if name.contains(['*', '?', '[']) {
        return of_pattern(name);
    }
    Box::new(std::iter::once(Ok(Piece::of_file(path))))
}

fn of_pattern(name: String) -> Box<dyn Iterator<Item = Found>> {
    // Ignore case: cameras write `.JPG`.
    let options = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::default() };
    match glob::glob_with(&name, options) {
        Ok(paths) => {
            let files = paths.filter_map(|path| match path {
                Ok(path) if path.is_dir() => None,
                Ok(path) => Some(Ok(Piece::of_file(path))),
                Err(error) => Some(Err(NoPhoto {
                    asked: error.path().to_string_lossy().into_owned(),
                    reason: error.error().to_string(),
                })),
            });
            or_none(name, "no file is called so", files)
        }
        Err(error) => {
            let reason = format!("not a pattern: {error}");
            Box::new(std::iter::once(Err(NoPhoto { asked: name, reason })))
        }
    }
}

fn in_folder(folder: PathBuf) -> impl Iterator<Item = Found> {
    // Include photos of unsupported formats: an error row is better than nothing.
    let is_photo =
        |path: &Path| is_called_like_photo(path) || begins_like_photo(&beginning(path)).is_some();
    // As in `prepare`: follow links, skip hidden and system entries.
    let is_shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || left_out(&entry.file_name().to_string_lossy()).is_none()
    };
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    entries.filter_entry(is_shown).filter_map(move |entry| match entry {
        Ok(entry) if !entry.file_type().is_dir() && is_photo(entry.path()) => {
            Some(Ok(Piece::of_file(entry.into_path())))
        }
        Ok(_) => None,
        // Reading the broken link reports the error.
        Err(error) if error.path().is_some_and(leads_nowhere) => {
            error.path().map(|path| Ok(Piece::of_file(path.into())))
        }
        Err(error) => {
            let asked =
                error.path().map_or_else(String::new, |path| path.to_string_lossy().into_owned());
            let reason = match error.io_error() {
                Some(refused) => format!("cannot be read: {refused}"),
                None => error.to_string(),
            };
            Some(Err(NoPhoto { asked, reason }))
        }
    })
}

/// Whether a path is a broken link that is named like a photo.
fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && !path.exists() && is_called_like_photo(path)
}

/// Returns `found`, or a single [`NoPhoto`] with `reason` if it is empty.
pub(super) fn or_none<T: 'static>(
    asked: String,
    reason: &'static str,
    found: impl Iterator<Item = Result<T, NoPhoto>> + 'static,
) -> Box<dyn Iterator<Item = Result<T, NoPhoto>>> {
    let mut found = found.peekable();
    match found.peek() {
        Some(_) => Box::new(found),
        None => Box::new(std::iter::once(Err(NoPhoto { asked, reason: reason.into() }))),
    }
}
