//! Puts labelled photos into folders, batch by batch.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kennel_core::scratch::{self, WRITING};
use kennel_core::{Lock, caseless, files};
use rayon::prelude::*;

use super::folders::{Bin, folder_names};
use super::journal::{Journal, Line, Sorted};
use super::transfer::{SortBy, copy, link, move_to, remove};
use crate::error::{DataError, Result};

/// Lock file of a process that sorts or undoes.
const LOCK: &str = ".sorted.lock";

/// A folder that photos are sorted into.
pub struct Sorter {
    out: PathBuf,
    by: SortBy,
    class_names: Vec<String>,
    /// By class.
    folders: Vec<String>,
    journal: Journal,
    /// Folders that are there, without what killed processes left in them.
    ready: HashSet<String>,
    /// Where this sorter has put each photo.
    placed: HashMap<PathBuf, PathBuf>,
    _lock: Lock,
}

/// What is to be done with a photo that was read.
enum Plan {
    /// It lies there already.
    There(PathBuf),
    /// It goes to this place.
    Go(Sorted),
    /// Its copy of an earlier command lies in this place: a move only removes it.
    Leave(Sorted),
}

impl Sorter {
    /// Begins to sort `asked`, photos or folders of them, into the folder `out`, which is made if
    /// needed.
    ///
    /// # Errors
    ///
    /// - [`DataError::SortedAmongPhotos`] if `out` lies in a folder of `asked`.
    /// - [`DataError::BeingSorted`] while another process sorts into `out`.
    /// - A folder that cannot be made, or a journal that cannot be read.
    pub fn begin(
        out: &Path,
        asked: &[PathBuf],
        by: SortBy,
        class_names: &[String],
    ) -> Result<Self> {
        let place = files::place_of(out)?;
        let is_around = |folder: &&PathBuf| {
            folder.is_dir() && folder.canonicalize().is_ok_and(|folder| place.starts_with(folder))
        };
        if let Some(folder) = asked.iter().find(is_around) {
            return Err(DataError::SortedAmongPhotos { out: out.into(), folder: folder.clone() });
        }
        let is_new = !out.exists();
        files::create_dir_all(out)?;
        let lock = locked(out)?;
        let mut journal = Journal::open(out)?;
        if is_new {
            journal.add(Line::Folder { folder: String::new() })?;
            journal.sync()?;
        }
        Ok(Self {
            out: out.into(),
            by,
            class_names: class_names.to_vec(),
            folders: folder_names(class_names),
            journal,
            ready: HashSet::new(),
            placed: HashMap::new(),
            _lock: lock,
        })
    }

    /// Lists the classes whose folder has another name, with that name.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.class_names.iter().zip(&self.folders);
        pairs.filter(|(class, folder)| class != folder).map(|(class, folder)| (&**class, &**folder))
    }

    /// Sorts some photos. Returns where each lies now, in their order, or why it stays where it
    /// was. A taken name gets a number (`cat-2.jpg`); a copy or link of a photo that lies under its
    /// name already is not made again.
    ///
    /// # Errors
    ///
    /// A journal that cannot be written. The photos then stay where they were.
    pub fn place(&mut self, photos: &[(&str, Bin)]) -> Result<Vec<Result<PathBuf>>> {
        let by = self.by;
        let read: Vec<Result<(PathBuf, String)>> =
            photos.par_iter().map(|(photo, _)| read(photo, by)).collect();
        let mut names = HashSet::new();
        let mut plans = Vec::with_capacity(photos.len());
        for (read, (_, bin)) in read.into_iter().zip(photos) {
            plans.push(read.and_then(|(photo, sha256)| {
                Ok((self.plan(&photo, sha256, *bin, &mut names)?, photo))
            }));
        }
        for (plan, _) in plans.iter().flatten() {
            if let Plan::Go(sorted) | Plan::Leave(sorted) = plan {
                self.journal.add(Line::Photo(sorted.clone()))?;
            }
        }
        self.journal.sync()?;
        let done = plans.into_iter().map(|plan| {
            let (plan, photo) = plan?;
            act(plan, &photo, &self.out).inspect_err(|_| drop(self.placed.remove(&photo)))
        });
        Ok(done.collect())
    }

    /// Decides where a photo goes. `names` are those that this batch will take.
    fn plan(
        &mut self,
        photo: &Path,
        sha256: String,
        bin: Bin,
        names: &mut HashSet<String>,
    ) -> Result<Plan> {
        if let Some(place) = self.placed.get(photo) {
            return Ok(Plan::There(place.clone()));
        }
        let folder = bin.folder(&self.folders).to_string();
        self.make(&folder)?;
        let name = |number: usize| numbered(photo, number);
        let mut sorted = Sorted {
            photo: photo.to_string_lossy().into_owned(),
            to: String::new(),
            by: self.by,
            sha256,
        };
        for number in 1.. {
            sorted.to = format!("{folder}/{}", name(number));
            let target = self.out.join(&sorted.to);
            if names.contains(&caseless(&sorted.to)) {
                continue;
            }
            match target.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    names.insert(caseless(&sorted.to));
                    self.placed.insert(photo.into(), target);
                    return Ok(Plan::Go(sorted));
                }
                Err(error) => return Err(DataError::io("read", &target)(error)),
                Ok(_) if files::is_same_place(&target, photo) => return Ok(Plan::There(target)),
                Ok(found) if found.is_file() && is_equal(&target, &sorted.sha256) => {
                    if self.by != SortBy::Move {
                        return Ok(Plan::There(target));
                    }
                    // Another photo with the same bytes is moved beside it, so that undo finds
                    // both.
                    if self.journal.knows(&sorted) {
                        return Ok(Plan::Leave(sorted));
                    }
                }
                Ok(_) => {}
            }
        }
        unreachable!("numbers do not end")
    }

    /// Makes the folder of a bin.
    fn make(&mut self, name: &str) -> Result<()> {
        if self.ready.contains(name) {
            return Ok(());
        }
        let folder = self.out.join(name);
        if folder.exists() {
            scratch::clear_abandoned(&folder, WRITING);
        } else {
            self.journal.add(Line::Folder { folder: name.into() })?;
            self.journal.sync()?;
        }
        files::create_dir_all(&folder)?;
        self.ready.insert(name.into());
        Ok(())
    }
}

/// Keeps other processes from sorting into `out`.
///
/// # Errors
///
/// [`DataError::BeingSorted`]; a folder that is not writable.
pub(super) fn locked(out: &Path) -> Result<Lock> {
    let lock = Lock::try_acquire(&out.join(LOCK)).map_err(DataError::io("write to", out))?;
    lock.ok_or_else(|| DataError::BeingSorted { out: out.into() })
}

/// Returns the absolute path of a photo that can be sorted, and its digest.
fn read(photo: &str, by: SortBy) -> Result<(PathBuf, String)> {
    let stays = |reason: &'static str| DataError::Stays { path: photo.into(), reason };
    // Rows name photos by text, in which this stands for bytes that are none.
    if photo.contains(char::REPLACEMENT_CHARACTER) {
        return Err(stays("its name is not UTF-8"));
    }
    let path = std::path::absolute(photo).map_err(DataError::io("read", Path::new(photo)))?;
    if by == SortBy::Move && path.is_symlink() {
        return Err(stays("it is a symbolic link, which may lead nowhere from elsewhere"));
    }
    let sha256 = files::sha256_file(&path)?;
    Ok((path, sha256))
}

/// Does what was decided and returns where the photo lies.
fn act(plan: Plan, photo: &Path, out: &Path) -> Result<PathBuf> {
    match plan {
        Plan::There(place) => Ok(place),
        Plan::Leave(sorted) => {
            remove(photo)?;
            Ok(out.join(&sorted.to))
        }
        Plan::Go(Sorted { to, by, sha256, .. }) => {
            let target = out.join(&to);
            match by {
                SortBy::Copy => copy(photo, &target, &sha256)?,
                SortBy::Link => link(photo, &target)?,
                SortBy::Move => move_to(photo, &target, &sha256)?,
            }
            Ok(target)
        }
    }
}

/// Whether a file has these bytes. One that cannot be read has not.
pub(super) fn is_equal(file: &Path, sha256: &str) -> bool {
    files::sha256_file(file).is_ok_and(|digest| digest == sha256)
}

/// Returns a photo's file name, with a number before the ending if that is above 1.
fn numbered(photo: &Path, number: usize) -> String {
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    match (number, photo.extension()) {
        (1, _) => text(photo.file_name()),
        (_, None) => format!("{}-{number}", text(photo.file_name())),
        (_, ending) => format!("{}-{number}.{}", text(photo.file_stem()), text(ending)),
    }
}
