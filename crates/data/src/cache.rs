//! Keeps decoded photos in memory, so that an epoch need not decode them again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;

use crate::dataset::DatasetPhoto;
use crate::error::Result;

/// Whole decoded photos, up to a budget of bytes. Entries are never replaced: an epoch visits every
/// photo once, so with replacement every visit would miss.
#[derive(Debug)]
pub struct PhotoCache {
    budget_bytes: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: u64,
    photos: HashMap<PathBuf, Arc<RgbImage>>,
}

impl PhotoCache {
    /// Creates a cache that holds at most `budget_bytes` of pixels; 0 holds none.
    pub fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, held: Mutex::default() }
    }

    /// Returns the photo, from memory or from the file.
    ///
    /// # Errors
    ///
    /// As [`DatasetPhoto::read`].
    pub fn read(&self, photo: &DatasetPhoto) -> Result<Arc<RgbImage>> {
        if let Some(pixels) = self.lock().photos.get(&photo.file) {
            return Ok(Arc::clone(pixels));
        }
        let pixels = Arc::new(photo.read()?);
        let size = pixels.as_raw().len() as u64;
        let mut held = self.lock();
        if held.bytes + size <= self.budget_bytes && !held.photos.contains_key(&photo.file) {
            held.bytes += size;
            held.photos.insert(photo.file.clone(), Arc::clone(&pixels));
        }
        Ok(pixels)
    }

    /// Returns the bytes of pixels in the cache.
    pub fn held_bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        // Nothing between locking and unlocking can leave the map half-changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for PhotoCache {
    /// 1 GiB: about 1,800 photos of 500 by 375 pixels.
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kennel_core::{Split, files};

    use super::*;
    use crate::error::DataError;

    #[test]
    fn a_cache_stays_within_its_budget_and_reads_on_beyond_it() {
        let dir = tempfile::tempdir().unwrap();
        let photos: Vec<DatasetPhoto> = (0..3).map(|i| photo(dir.path(), i)).collect();
        let cache = PhotoCache::new(650);
        for _ in 0..2 {
            for (i, photo) in photos.iter().enumerate() {
                assert_eq!(cache.read(photo).unwrap().get_pixel(0, 0).0, [i as u8; 3]);
            }
        }
        assert_eq!(cache.held_bytes(), 600);
        std::fs::remove_file(&photos[0].file).unwrap();
        assert!(cache.read(&photos[0]).is_ok(), "held in memory");
        std::fs::remove_file(&photos[2].file).unwrap();
        assert!(matches!(cache.read(&photos[2]), Err(DataError::PhotoGone { .. })), "not held");
    }

    #[test]
    fn a_photo_that_was_swapped_is_not_taken_for_the_one_that_was_prepared() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (photo(dir.path(), 1), photo(dir.path(), 2));
        std::fs::copy(&second.file, &first.file).unwrap();
        let error = PhotoCache::default().read(&first).unwrap_err();
        assert!(
            matches!(&error, DataError::PhotoChanged { path } if *path == first.file),
            "{error}"
        );
    }

    fn photo(folder: &Path, level: u8) -> DatasetPhoto {
        let file = folder.join(format!("{level}.png"));
        RgbImage::from_pixel(10, 10, image::Rgb([level; 3])).save(&file).unwrap();
        let sha256 = files::sha256_file(&file).unwrap();
        let path = format!("test/a/{level}.png");
        DatasetPhoto { index: level.into(), file, path, class_index: 0, split: Split::Test, sha256 }
    }
}
