//! The photos that the page shows.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::http::StatusCode;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::thumbnail;
use kennel_core::Manifest;
use kennel_data::read_photo;

use crate::problem::Problem;

/// Longest side of a small picture, in pixels.
const SMALL_PX: u32 = 240;
/// Longest side of a large picture, in pixels.
const LARGE_PX: u32 = 1200;
const JPEG_QUALITY: u8 = 85;

/// A prepared data set.
pub struct Data {
    folder: PathBuf,
    /// The manifest that was read last, and when its file was written.
    read: Mutex<Option<(SystemTime, Arc<Manifest>)>>,
}

impl Data {
    /// The data set in a folder, which may be prepared later.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, read: Mutex::default() }
    }

    /// Returns its manifest.
    ///
    /// # Errors
    ///
    /// 404 if the photos are not prepared; as [`Data::prepared`].
    pub fn manifest(&self) -> Result<Arc<Manifest>, Problem> {
        self.prepared()?.ok_or_else(|| Problem::not_found("no photos are prepared yet"))
    }

    /// Returns its manifest, read again if the file has changed. None if no photos are prepared.
    ///
    /// # Errors
    ///
    /// 500 for a manifest that cannot be read.
    pub fn prepared(&self) -> Result<Option<Arc<Manifest>>, Problem> {
        let path = self.folder.join(Manifest::FILE_NAME);
        let Ok(written) = std::fs::metadata(&path).and_then(|file| file.modified()) else {
            return Ok(None);
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, manifest)) = &*read
            && *when == written
        {
            return Ok(Some(manifest.clone()));
        }
        let damaged = StatusCode::INTERNAL_SERVER_ERROR;
        let manifest =
            Manifest::read(&path).map_err(|error| Problem::new(damaged, error.to_string()))?;
        let manifest = Arc::new(manifest);
        *read = Some((written, manifest.clone()));
        Ok(Some(manifest))
    }

    /// Draws a photo, small or large, as JPEG. The photo is named by its digest: a client names no
    /// path.
    ///
    /// # Errors
    ///
    /// 404 for a photo that is not of the data set, or cannot be read any more.
    pub fn picture(&self, sha256: &str, is_large: bool) -> Result<Vec<u8>, Problem> {
        let manifest = self.manifest()?;
        let photo = manifest.photos.iter().find(|photo| photo.sha256 == sha256);
        let photo = photo.ok_or_else(|| Problem::not_found("there is no such photo"))?;
        let path = self.folder.join(&photo.path);
        let pixels = read_photo(&path).map_err(|error| Problem::not_found(error.to_string()))?;
        let most = if is_large { LARGE_PX } else { SMALL_PX };
        let (width, height) = pixels.dimensions();
        let factor = (f64::from(most) / f64::from(width.max(height))).min(1.0);
        let scaled = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
        let small = match factor < 1.0 {
            true => thumbnail(&pixels, scaled(width), scaled(height)),
            false => pixels,
        };
        let mut bytes = Cursor::new(Vec::new());
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        small.write_with_encoder(encoder).map_err(|error| Problem::not_found(error.to_string()))?;
        Ok(bytes.into_inner())
    }
}
