//! The cache folder of feature files, `<cache>/<key>/<part>.features`: shared by runs, limited in
//! size, safe to delete.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kennel_core::files;
use kennel_core::scratch::WRITING;

use super::file::{FeatureFile, FeatureWriter};
use crate::{CacheOptions, Result};

const EXTENSION: &str = "features";

/// The cached features of one key.
#[derive(Debug)]
pub struct FeatureStore {
    options: CacheOptions,
    key: String,
}

impl FeatureStore {
    pub fn new(options: CacheOptions, key: String) -> Self {
        Self { options, key }
    }

    /// Opens cached features and marks them as used now.
    pub fn open(&self, part: &str, photos: usize) -> Option<FeatureFile> {
        let path = self.path(part);
        let file = FeatureFile::open(&path, &self.key, part, photos)?;
        // Errors are ignored: the time only decides the order of eviction.
        drop(fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now())));
        Some(file)
    }

    /// Whether a file of these features exists. Neither reads the file nor marks it as used.
    pub fn has(&self, part: &str) -> bool {
        self.path(part).is_file()
    }

    /// Begins to write features. To make room, removes files of other keys, least recently used
    /// first. Returns None if that is not enough; files of the same key are never removed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub fn create(
        &self,
        part: &str,
        shape: Vec<usize>,
        photos: usize,
    ) -> Result<Option<FeatureWriter>> {
        let needed = 4096 + 4 * (photos * shape.iter().product::<usize>()) as u64;
        if !self.make_room(needed) {
            return Ok(None);
        }
        let path = self.path(part);
        files::create_dir_all(path.parent().expect("a key's folder"))?;
        FeatureWriter::new(path, &self.key, part, shape, photos).map(Some)
    }

    /// Folder of this key's files.
    pub fn folder(&self) -> PathBuf {
        self.options.dir.join(&self.key)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder().join(part).with_extension(EXTENSION)
    }

    fn make_room(&self, needed: u64) -> bool {
        let own = self.folder();
        let mut others: Vec<Kept> = Vec::new();
        let mut total = needed;
        for kept in kept_files(&self.options.dir) {
            total += kept.bytes;
            if !kept.path.starts_with(&own) {
                others.push(kept);
            }
        }
        others.sort_by_key(|kept| kept.used);
        let removable: u64 = others.iter().map(|kept| kept.bytes).sum();
        if total - removable > self.options.max_bytes {
            return false;
        }
        for kept in others {
            if total <= self.options.max_bytes {
                break;
            }
            if fs::remove_file(&kept.path).is_ok() {
                total -= kept.bytes;
                if let Some(folder) = kept.path.parent() {
                    // `remove_dir` fails unless the folder is empty, which is intended.
                    drop(fs::remove_dir(folder));
                }
            }
        }
        total <= self.options.max_bytes
    }
}

struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Every feature file under `dir`, and temporary files left by killed writers.
fn kept_files(dir: &Path) -> Vec<Kept> {
    let folders = fs::read_dir(dir).into_iter().flatten().flatten();
    let entries = folders.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION)
                || path.file_name()?.to_string_lossy().starts_with(WRITING);
            let about = entry.metadata().ok().filter(|about| is_ours && about.is_file())?;
            Some(Kept {
                path,
                bytes: about.len(),
                used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(dir: &Path, max_bytes: u64, key: &str) -> FeatureStore {
        FeatureStore::new(CacheOptions { dir: dir.into(), max_bytes }, key.into())
    }

    fn fill(store: &FeatureStore, part: &str) -> bool {
        let Some(mut writer) = store.create(part, vec![1, 1, 1024], 1).unwrap() else {
            return false;
        };
        writer.push(&[1.0; 1024]).unwrap();
        writer.finish().unwrap();
        true
    }

    #[test]
    fn the_longest_unused_make_room_and_ones_own_never_do() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|key| store(folder.path(), 3 * 8192, key));
        assert!(fill(&a, "val") && fill(&b, "val") && fill(&b, "test"));
        let earlier = SystemTime::now() - std::time::Duration::from_secs(100);
        for path in [b.path("val"), b.path("test")] {
            fs::File::options().write(true).open(path).unwrap().set_modified(earlier).unwrap();
        }
        assert!(a.open("val", 1).is_some());
        assert!(fill(&c, "train-0") && fill(&c, "train-1"));
        assert!(a.open("val", 1).is_some(), "used last");
        assert!(b.open("val", 1).is_none() && b.open("test", 1).is_none());
        assert!(fill(&c, "train-2"));
        assert!(a.open("val", 1).is_none());
        assert!(!fill(&c, "train-3"), "its own would have to go");
        assert!((0..3).all(|view| c.open(&format!("train-{view}"), 1).is_some()));
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("thesis");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("chapter.tex"), [0; 20_000]).unwrap();
        assert!(fill(&store(folder.path(), 8192, "a"), "val"));
        assert!(other.join("chapter.tex").exists());
    }
}
