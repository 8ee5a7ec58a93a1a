//! Decoded photos that fit into memory, so that an epoch need not decode them again.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use kennel_core::CoreError;

use crate::decode::read_photo;
use crate::error::{DataError, Result};

/// Whole decoded photos up to a budget of bytes. What is in stays: an epoch visits every photo once, and under such a visit
/// replacing entries would make every one of them miss.
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
    /// A cache that holds at most `budget_bytes` of pixels; 0 holds none.
    pub fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, held: Mutex::default() }
    }

    /// The photo, from memory or from the file.
    ///
    /// # Errors
    ///
    /// [`DataError::PhotoGone`]; as [`read_photo`].
    pub fn read(&self, file: &Path) -> Result<Arc<RgbImage>> {
        if let Some(photo) = self.lock().photos.get(file) {
            return Ok(Arc::clone(photo));
        }
        let photo = Arc::new(read_photo(file).map_err(|error| match error {
            DataError::Core(CoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                DataError::PhotoGone { path: file.into() }
            }
            error => error,
        })?);
        let size = photo.as_raw().len() as u64;
        let mut held = self.lock();
        if held.bytes + size <= self.budget_bytes && !held.photos.contains_key(file) {
            held.bytes += size;
            held.photos.insert(file.into(), Arc::clone(&photo));
        }
        Ok(photo)
    }

    /// Bytes of pixels that are held.
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
    use super::*;

    #[test]
    fn a_cache_stays_within_its_budget_and_reads_on_beyond_it() {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..3).map(|i| dir.path().join(format!("{i}.png"))).collect();
        for (i, file) in files.iter().enumerate() {
            RgbImage::from_pixel(10, 10, image::Rgb([i as u8; 3])).save(file).unwrap();
        }
        let cache = PhotoCache::new(650);
        for _ in 0..2 {
            for (i, file) in files.iter().enumerate() {
                assert_eq!(cache.read(file).unwrap().get_pixel(0, 0).0, [i as u8; 3]);
            }
        }
        assert_eq!(cache.held_bytes(), 600);
        std::fs::remove_file(&files[0]).unwrap();
        assert!(cache.read(&files[0]).is_ok(), "held in memory");
        std::fs::remove_file(&files[2]).unwrap();
        assert!(cache.read(&files[2]).is_err(), "not held");
    }
}
