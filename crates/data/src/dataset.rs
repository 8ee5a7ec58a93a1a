//! A data set to train on: a prepared folder, or a plain folder of class folders.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;
use kennel_core::{CoreError, Lock, Manifest, PhotoRecord, Split, Task, files};
use rayon::prelude::*;
use walkdir::WalkDir;

use crate::assemble::{Assembled, Paths, Purpose, assemble};
use crate::decode::{decode, read_bounded};
use crate::error::{DataError, Result};
use crate::options::PrepareOptions;
use crate::tables::Tables;
use crate::unlisted::unlisted;

/// One photo of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetPhoto {
    /// Index in the manifest. It is stable, and it selects the photo's random stream.
    pub index: usize,
    /// Path of the file.
    pub file: PathBuf,
    /// Path relative to the data set, with `/`; predictions name the photo by it.
    pub path: String,
    /// Index of its class in [`Dataset::classes`].
    pub class_index: usize,
    /// Its part.
    pub split: Split,
    /// SHA-256 of its file when the data set was prepared or scanned.
    pub sha256: String,
}

impl DatasetPhoto {
    /// Reads the file, checks its SHA-256, and decodes it. So results come only from the photos
    /// that were prepared or scanned.
    ///
    /// # Errors
    ///
    /// [`DataError::PhotoGone`] if the file is gone, [`DataError::PhotoChanged`] if its SHA-256
    /// differs, a file that cannot be read, and [`DataError::Decode`] as [`decode`].
    pub fn read(&self) -> Result<RgbImage> {
        let bytes = read_bounded(&self.file).map_err(|error| match error {
            DataError::Core(CoreError::Io { source, .. })
                if source.kind() == ErrorKind::NotFound =>
            {
                DataError::PhotoGone { path: self.file.clone() }
            }
            error => error,
        })?;
        if files::sha256_bytes(&bytes) != self.sha256 {
            return Err(DataError::PhotoChanged { path: self.file.clone() });
        }
        decode(&bytes)
            .map(|decoded| decoded.photo)
            .map_err(|source| DataError::Decode { path: self.file.clone(), source })
    }
}

/// A function that opens a data set: [`Dataset::open_with`] or [`Dataset::open_to_judge`].
pub type Open = fn(&Path, &PrepareOptions, Task<'_>) -> Result<Dataset>;

/// The classes and photos of a data set, with every file checked.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
    manifest: Manifest,
    parts: [Arc<[DatasetPhoto]>; 3],
    prepared: bool,
    /// Whether it has no validation photos because a caller wanted to train on them.
    is_without_val: bool,
    /// Shared lock: keeps `prepare` from replacing the photos while this value or a clone of it
    /// exists.
    _lock: Option<Arc<Lock>>,
}

impl Dataset {
    /// Opens a prepared folder by its manifest, or a plain folder by decoding every photo of it;
    /// see [`Dataset::open_with`].
    ///
    /// # Errors
    ///
    /// As [`Dataset::open_with`].
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, &PrepareOptions::default(), Task::unwatched())
    }

    /// Opens a data set.
    ///
    /// - A folder with a `manifest.json` opens as it was prepared. Every listed photo must exist.
    ///   Of the `options`, only `known` is checked.
    /// - Any other folder is scanned, until the task is stopped. It keeps its division, or is
    ///   divided as `prepare` would. The manifest stays in memory. `options.link` is not used.
    ///
    /// # Errors
    ///
    /// An invalid manifest, missing photos, a class that is not in `options.known`, and the errors
    /// of [`scan`] and of the split.
    pub fn open_with(folder: &Path, options: &PrepareOptions, task: Task<'_>) -> Result<Self> {
        Self::open_for(Purpose::Training, folder, options, task)
    }

    /// As [`Dataset::open_with`], to evaluate a trained network: a class may have a single photo,
    /// in any part.
    ///
    /// # Errors
    ///
    /// As [`Dataset::open_with`], except that training photos are not required.
    pub fn open_to_judge(folder: &Path, options: &PrepareOptions, task: Task<'_>) -> Result<Self> {
        Self::open_for(Purpose::Judging, folder, options, task)
    }

    fn open_for(
        purpose: Purpose,
        folder: &Path,
        options: &PrepareOptions,
        task: Task<'_>,
    ) -> Result<Self> {
        let path = folder.join(Manifest::FILE_NAME);
        if path.is_file() {
            let lock = shared(folder)?;
            let manifest = Manifest::read(&path)?;
            check_manifest(&manifest, &path)?;
            let is_other =
                |class: &&String| options.known.is_some_and(|known| !known.contains(class));
            if let Some(found) = manifest.classes.iter().find(is_other) {
                return Err(DataError::UnknownClass { path: folder.into(), found: found.clone() });
            }
            return Self::at(folder, manifest, &path, lock, |photo| folder.join(&photo.path));
        }
        if folder.is_file() {
            // An archive has no permanent place for its files; `prepare` gives it one.
            return Err(DataError::NotAFolder { path: folder.into() });
        }
        if !folder.exists() {
            return Err(DataError::NoDataset { path: folder.into() });
        }
        if let Some(other) = beside_prepared(folder, purpose) {
            return Err(other);
        }
        let tables = Tables::read(options)?;
        let scan = tables.scan(folder, options, folder, task)?;
        if purpose == Purpose::Training {
            scan.check_train(folder)?;
        }
        let Assembled { manifest, files } =
            assemble(&scan, folder, options, &tables, Paths::InPlace, purpose)?;
        Ok(Self::new(folder, manifest, files, None, false))
    }

    /// Opens those photos in `parts` of a manifest that still exist under `folder`, and returns how
    /// many are missing. The manifest lies elsewhere: a run keeps one. Errors call it
    /// `manifest_path`. Photos are found by their contents if folders were renamed or prepared
    /// differently since.
    ///
    /// # Errors
    ///
    /// An invalid manifest, or a manifest whose photos are all missing.
    pub fn of_run(
        folder: &Path,
        mut manifest: Manifest,
        manifest_path: &Path,
        parts: &[Split],
    ) -> Result<(Self, usize)> {
        check_manifest(&manifest, manifest_path)?;
        let lock = shared(folder)?;
        manifest.photos.retain(|photo| parts.contains(&photo.split));
        let now = by_contents(folder, &manifest);
        let place = |photo: &PhotoRecord| match &now {
            Some(now) => folder.join(now.get(&photo.sha256).unwrap_or(&PathBuf::from(&photo.path))),
            None => folder.join(&photo.path),
        };
        let is_there = |photo: &PhotoRecord| {
            now.as_ref().is_none_or(|now| now.contains_key(&photo.sha256)) && place(photo).is_file()
        };
        let listed = manifest.photos.len();
        if manifest.photos.iter().any(is_there) {
            manifest.photos.retain(is_there);
        }
        let gone = listed - manifest.photos.len();
        Ok((Self::at(folder, manifest, manifest_path, lock, place)?, gone))
    }

    /// Opens the photos of a checked manifest; `place` gives the path of each.
    fn at(
        folder: &Path,
        manifest: Manifest,
        manifest_path: &Path,
        lock: Option<Arc<Lock>>,
        place: impl Fn(&PhotoRecord) -> PathBuf,
    ) -> Result<Self> {
        let files: Vec<PathBuf> = manifest.photos.iter().map(place).collect();
        check_files(&manifest, folder, &files, manifest_path)?;
        Ok(Self::new(folder, manifest, files, lock, true))
    }

    fn new(
        root: &Path,
        manifest: Manifest,
        files: Vec<PathBuf>,
        lock: Option<Arc<Lock>>,
        prepared: bool,
    ) -> Self {
        let photos: Vec<DatasetPhoto> = manifest
            .photos
            .iter()
            .zip(files)
            .enumerate()
            .map(|(index, (photo, file))| DatasetPhoto {
                index,
                file,
                path: photo.path.clone(),
                class_index: manifest.classes.binary_search(&photo.label).unwrap_or_default(),
                split: photo.split,
                sha256: photo.sha256.clone(),
            })
            .collect();
        let parts = Split::ALL
            .map(|split| photos.iter().filter(|photo| photo.split == split).cloned().collect());
        let root = root.into();
        Self { root, manifest, parts, prepared, is_without_val: false, _lock: lock }
    }

    /// The same photos under a manifest that differs only in how it divides them.
    pub(crate) fn redivided(&self, manifest: Manifest, is_without_val: bool) -> Self {
        let files = self.all_photos().iter().map(|photo| photo.file.clone()).collect();
        let divided = Self::new(&self.root, manifest, files, self._lock.clone(), self.prepared);
        Self { is_without_val, ..divided }
    }

    /// The folder that was opened.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Class names, sorted by bytes; a class index is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.manifest.classes
    }

    /// The photos of one part, in the manifest's order.
    pub fn photos(&self, split: Split) -> &Arc<[DatasetPhoto]> {
        &self.parts[split as usize]
    }

    /// The photos of all parts, in the manifest's order.
    pub fn all_photos(&self) -> Arc<[DatasetPhoto]> {
        let mut photos: Vec<DatasetPhoto> =
            self.parts.iter().flat_map(|part| part.iter().cloned()).collect();
        photos.sort_by_key(|photo| photo.index);
        photos.into()
    }

    /// The manifest: all that is known about the photos.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the files under a prepared folder that its manifest does not list, so that nothing
    /// reads them: relative to the folder, with `/`.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read.
    pub fn unlisted(&self) -> Result<Vec<String>> {
        if self.prepared { unlisted(&self.root, &self.manifest) } else { Ok(Vec::new()) }
    }

    /// Whether its validation photos are for training
    /// ([`Dataset::without_validation`](crate::Dataset::without_validation)).
    pub fn is_without_validation(&self) -> bool {
        self.is_without_val
    }

    /// Whether the photos come from a manifest (the folder's own, or that of a run) and not from a
    /// scan.
    pub fn is_prepared(&self) -> bool {
        self.prepared
    }
}

/// Takes the shared lock that keeps `prepare` from replacing a folder. None if the folder has no
/// manifest, because `prepare` does not replace such a folder.
fn shared(folder: &Path) -> Result<Option<Arc<Lock>>> {
    let manifest = folder.join(Manifest::FILE_NAME);
    match Lock::try_share(&manifest) {
        Ok(Some(lock)) => Ok(Some(Arc::new(lock))),
        Ok(None) => Err(DataError::BeingReplaced { path: folder.into() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataError::io("read", &manifest)(error)),
    }
}

/// Maps the SHA-256 of each photo in a folder to its present path: from the folder's own manifest,
/// or else by hashing its files. None if there is no own manifest and all photos of `then` are
/// where it says.
fn by_contents(folder: &Path, then: &Manifest) -> Option<HashMap<String, PathBuf>> {
    // Ignore an invalid manifest and unreadable files: they do not say where photos are.
    let own = folder.join(Manifest::FILE_NAME);
    if let Some(now) = Manifest::read(&own).ok().filter(|now| check_manifest(now, &own).is_ok()) {
        return Some(
            now.photos.into_iter().map(|photo| (photo.sha256, photo.path.into())).collect(),
        );
    }
    if then.photos.iter().all(|photo| folder.join(&photo.path).is_file()) {
        return None;
    }
    let files = WalkDir::new(folder).follow_links(true).into_iter().flatten();
    let files: Vec<PathBuf> = files
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    let digest = |file: PathBuf| Some((files::sha256_file(&file).ok()?, file));
    Some(files.into_par_iter().filter_map(digest).collect())
}

/// Returns an error if an unprepared folder contains a prepared one, or is one part of it. To
/// evaluate a trained network on one part is fine.
fn beside_prepared(folder: &Path, purpose: Purpose) -> Option<DataError> {
    if let (Purpose::Training, Some(part)) = (purpose, part_of_prepared(folder)) {
        return Some(part);
    }
    let inside = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut prepared: Vec<PathBuf> = inside.filter(|inside| is_prepared(inside)).collect();
    prepared.sort();
    let meant = prepared.first()?.clone();
    let found = "holds a prepared data set";
    Some(DataError::NotThisFolder { path: folder.into(), found, meant, others: prepared.len() - 1 })
}

/// Returns an error if the folder is one part of a prepared data set.
pub(crate) fn part_of_prepared(folder: &Path) -> Option<DataError> {
    let above = files::folder_of(folder);
    let name = folder.file_name()?.to_str()?;
    let is_part = Split::ALL.iter().any(|split| split.as_str() == name) && is_prepared(above);
    let found = "is one part of a prepared data set";
    is_part.then(|| DataError::NotThisFolder {
        path: folder.into(),
        found,
        meant: above.into(),
        others: 0,
    })
}

fn is_prepared(folder: &Path) -> bool {
    Manifest::read(&folder.join(Manifest::FILE_NAME)).is_ok()
}

/// Checks a manifest, because anyone may have written the file.
fn check_manifest(manifest: &Manifest, path: &Path) -> Result<()> {
    let refuse = |reason: String| Err(DataError::Manifest { manifest: path.into(), reason });
    if !manifest.classes.is_sorted_by(|a, b| a < b) {
        return refuse("its classes are not sorted, or one is there twice".into());
    }
    if manifest.classes.len() < 2 {
        return refuse(format!("it has {} classes, expected at least 2", manifest.classes.len()));
    }
    if !manifest.photos.is_sorted_by(|a, b| a.path < b.path) {
        return refuse("its photos are not sorted by path, or one is there twice".into());
    }
    for photo in &manifest.photos {
        if manifest.classes.binary_search(&photo.label).is_err() {
            return refuse(format!(
                "`{}` has the label `{}`, which is no class",
                photo.path, photo.label
            ));
        }
        if !files::stays_inside(&photo.path) || photo.path.is_empty() {
            return refuse(format!("`{}` leads out of the folder", photo.path));
        }
    }
    Ok(())
}

fn check_files(manifest: &Manifest, folder: &Path, files: &[PathBuf], path: &Path) -> Result<()> {
    let missing: Vec<usize> = (0..files.len()).filter(|&at| !files[at].is_file()).collect();
    match missing.first() {
        None => Ok(()),
        Some(&first) => Err(DataError::MissingPhotos {
            folder: folder.into(),
            manifest: path.into(),
            missing: missing.len(),
            all: files.len(),
            first: manifest.photos[first].path.clone(),
        }),
    }
}
