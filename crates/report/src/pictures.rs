//! Photos of a data set, made small for pages and figures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::thumbnail;
use kennel_core::{Manifest, files};
use kennel_data::read_photo;

/// The photos of a data set.
pub struct Pictures<'a> {
    folder: PathBuf,
    /// By path.
    digests: HashMap<&'a str, &'a str>,
}

impl<'a> Pictures<'a> {
    /// The photos of `manifest`, which lie in `folder`.
    pub fn of(manifest: &'a Manifest, folder: &Path) -> Self {
        let digests = manifest.photos.iter();
        Pictures {
            folder: folder.into(),
            digests: digests.map(|photo| (photo.path.as_str(), photo.sha256.as_str())).collect(),
        }
    }

    /// Reads a photo if it is still there and unchanged. Makes its longest side `side_px` pixels at
    /// most. A photo that was moved or replaced must not prevent the report.
    pub fn read(&self, path: &str, side_px: u32) -> Option<RgbImage> {
        // Anyone may have written the file of predictions: accept only paths inside the data set.
        if !files::stays_inside(path) {
            return None;
        }
        let file = self.folder.join(path);
        let expected = self.digests.get(path)?;
        let is_the_same = files::sha256_file(&file).is_ok_and(|digest| digest == **expected);
        let photo = if is_the_same { read_photo(&file).ok()? } else { return None };
        Some(shrunk(photo, side_px))
    }
}

/// Makes the longest side of a photo `side_px` pixels, unless it is shorter.
pub fn shrunk(photo: RgbImage, side_px: u32) -> RgbImage {
    let longest = photo.width().max(photo.height());
    if longest <= side_px {
        return photo;
    }
    let side = |px: u32| (px * side_px / longest).clamp(1, side_px);
    thumbnail(&photo, side(photo.width()), side(photo.height()))
}
