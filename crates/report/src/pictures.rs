//! Photos of a data set, made small for pages and figures.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use image::RgbImage;
use image::imageops::thumbnail;
use kennel_core::{Manifest, files};
use kennel_data::read_photo;

/// Longest side of a photo in a report, in pixels.
const SIDE_PX: u32 = 176;

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

    /// Reads a photo if it is still there and unchanged, and makes it small. A photo that was moved
    /// or replaced must not prevent the report.
    pub fn read(&self, path: &str) -> Option<RgbImage> {
        // Anyone may have written the file of predictions: accept only paths inside the data set.
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let file = self.folder.join(path);
        let expected = self.digests.get(path)?;
        let is_the_same = files::sha256_file(&file).is_ok_and(|digest| digest == **expected);
        let photo = if is_the_same { read_photo(&file).ok()? } else { return None };
        let longest = photo.width().max(photo.height());
        let side = |px: u32| (px * SIDE_PX / longest).clamp(1, SIDE_PX);
        Some(thumbnail(&photo, side(photo.width()), side(photo.height())))
    }
}
