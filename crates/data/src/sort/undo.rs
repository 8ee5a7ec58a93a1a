//! Puts sorted photos back.

use std::fs;
use std::path::{Path, PathBuf};

use kennel_core::scratch::{self, WRITING};
use kennel_core::{Task, files};

use super::journal::{JOURNAL, Line, Sorted, read, replace};
use super::sorter::{is_equal, locked};
use super::transfer::{SortBy, move_to, remove};
use crate::error::{DataError, Result};

/// What became of the sorted photos.
#[derive(Debug, Default)]
pub struct Undone {
    /// Photos that were moved back.
    pub moved: usize,
    /// Copies and links that were removed.
    pub removed: usize,
    /// Sorted photos that are neither where they were put nor where they came from.
    pub gone: Vec<PathBuf>,
    /// Why a photo stays where it was sorted.
    pub kept: Vec<DataError>,
}

/// What became of a photo.
enum Became {
    Moved,
    Removed,
    /// It was not sorted, or is put back already.
    Nothing,
    /// It is in neither place.
    Gone,
}

/// Undoes everything that was sorted into `out`, the last first: moves photos back, and removes
/// copies, links and the folders that were made and are empty. Keeps a photo that has changed
/// since, a copy whose original is gone or has changed, and a photo whose old name is taken. The
/// journal keeps their lines, and those of photos that are gone. If it is stopped or killed, the
/// next call does the rest.
///
/// # Errors
///
/// - [`DataError::NothingSorted`] without a journal, and one that cannot be read or written.
/// - [`DataError::BeingSorted`] while another process sorts into `out`.
/// - [`DataError::Stopped`].
pub fn undo(out: &Path, task: Task<'_>) -> Result<Undone> {
    if !out.join(JOURNAL).exists() {
        return Err(DataError::NothingSorted { out: out.into() });
    }
    let lock = locked(out)?;
    let lines = read(out)?;
    let mut undone = Undone::default();
    let (mut kept, mut folders) = (Vec::new(), Vec::new());
    for line in lines.into_iter().rev() {
        task.check()?;
        let sorted = match line {
            Line::Folder { folder } => {
                folders.push(folder);
                continue;
            }
            Line::Photo(sorted) => sorted,
        };
        match put_back(&sorted, out) {
            Ok(Became::Moved) => undone.moved += 1,
            Ok(Became::Removed) => undone.removed += 1,
            Ok(Became::Nothing) => {}
            Ok(Became::Gone) => {
                undone.gone.push(out.join(&sorted.to));
                kept.push(Line::Photo(sorted));
            }
            Err(why) => {
                undone.kept.push(why);
                kept.push(Line::Photo(sorted));
            }
        }
    }
    // The output folder itself holds the journal until the end.
    let is_made = folders.iter().any(String::is_empty);
    folders.retain(|folder| folder.is_empty() || !remove_if_empty(&out.join(folder)));
    if !kept.is_empty() {
        kept.extend(folders.into_iter().map(|folder| Line::Folder { folder }));
        kept.reverse();
    }
    replace(out, &kept)?;
    drop(lock);
    if kept.is_empty() && is_made {
        remove_if_empty(out);
    }
    Ok(undone)
}

/// Removes a folder unless something lies in it. Returns whether it is gone.
fn remove_if_empty(folder: &Path) -> bool {
    scratch::clear_abandoned(folder, WRITING);
    fs::remove_dir(folder).is_ok() || !folder.exists()
}

/// Undoes one line. Never removes the last file with a photo's bytes.
fn put_back(Sorted { photo, to, by, sha256 }: &Sorted, out: &Path) -> Result<Became> {
    let (photo, sorted) = (Path::new(photo), out.join(to));
    let stays = |reason: &'static str| DataError::Stays { path: sorted.clone(), reason };
    let (was, is) = (photo.symlink_metadata().is_ok(), sorted.symlink_metadata().is_ok());
    if !is {
        return Ok(if was { Became::Nothing } else { Became::Gone });
    }
    if files::is_same_place(photo, &sorted) {
        return Ok(Became::Nothing);
    }
    if !is_equal(&sorted, sha256) {
        return Err(stays("it has changed since it was sorted"));
    }
    match (by, was) {
        (SortBy::Move, false) => {
            files::create_dir_all(files::folder_of(photo))?;
            move_to(&sorted, photo, sha256)?;
            Ok(Became::Moved)
        }
        (SortBy::Move, true) if !is_equal(photo, sha256) => {
            Err(stays("another file has its old name"))
        }
        (SortBy::Copy | SortBy::Link, _) if !is_equal(photo, sha256) => {
            Err(stays("the photo that it was made of is gone or has changed"))
        }
        // A move that was stopped before the old name was removed, or a copy.
        _ => {
            remove(&sorted)?;
            Ok(Became::Removed)
        }
    }
}
