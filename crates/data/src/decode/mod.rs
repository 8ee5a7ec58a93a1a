//! Decodes the bytes of a photo to RGB pixels, as Pillow's
//! `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` does.
//!
//! A decoder reads the size, reserves memory before it allocates any, and returns pixels as they
//! lie in the file. This module then turns them upright.
//!
//! JPEG pixels equal those of libjpeg-turbo, and so of Pillow; `tools/check_jpegs.py` checks that
//! on folders of photos.

mod decoded;
mod error;
mod limits;
mod note;

// Memory and panics of decoders.
mod admission;
mod budget;
mod memory;

// The formats.
mod gif;
#[cfg(feature = "heic")]
mod heic;
mod ink;
mod jpeg;
mod jpeg_markers;
mod jpeg_planes;
mod png;
mod raster;
mod taken;
mod tiff;
mod tiff_directory;

mod orientation;

use std::io::ErrorKind;
use std::path::Path;

use image::{ImageFormat, RgbImage};
use kennel_core::CoreError;

use crate::error::{DataError, Result};

pub use self::budget::set_memory_budget;
pub use self::decoded::Decoded;
pub use self::error::DecodeError;
pub use self::limits::{MAX_FILE_BYTES, MAX_PIXELS};
pub use self::note::{Note, Notes};
pub use self::taken::{Taken, taken};

/// Increases with every change that changes a pixel of a decoded photo. Results computed from other
/// pixels are then not reused.
pub const REVISION: u32 = 2;

/// Reads and decodes one photo.
///
/// # Errors
///
/// [`CoreError::Io`] when the file cannot be read, [`DataError::Decode`] when it is not a whole
/// photo.
pub fn read_photo(path: &Path) -> Result<RgbImage> {
    Ok(read_decoded(path)?.photo)
}

/// As [`read_photo`], with the notes.
pub(crate) fn read_decoded(path: &Path) -> Result<Decoded> {
    let bytes = read_bounded(path)?;
    decode(&bytes).map_err(|source| DataError::Decode { path: path.into(), source })
}

/// Reads a regular file of at most [`MAX_FILE_BYTES`].
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    kennel_core::read_bounded(path, MAX_FILE_BYTES).map_err(|error| match error {
        CoreError::Io { source, .. } if source.kind() == ErrorKind::FileTooLarge => {
            DataError::Decode { path: path.into(), source: DecodeError::TooManyBytes }
        }
        error => error.into(),
    })
}

/// Decodes a whole JPEG, PNG, WebP, BMP, GIF (first frame), TIFF (first picture) or, with the
/// feature `heic`, HEIC. Turns it
/// upright by its EXIF or XMP orientation. As Pillow's `convert("RGB")`, keeps the high byte of
/// 16-bit values and drops alpha.
///
/// Waits while other photos hold the memory that this one needs.
///
/// Differs: 16-bit grey keeps its high byte too, where Pillow 13 clips it to white.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(DecodeError::TooManyBytes);
    }
    // A panic of the decoder is an error of this file, and must not end the scan of the others.
    kennel_core::catch_panic(|| decode_by_format(bytes)).unwrap_or_else(|_| {
        Err(DecodeError::Damaged { format: "image", reason: "the decoder gave up on it".into() })
    })
}

fn decode_by_format(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::decode_jpeg(bytes),
        Ok(ImageFormat::Png) => png::decode_png(bytes),
        Ok(ImageFormat::Gif) => gif::decode_gif(bytes),
        Ok(ImageFormat::Tiff) => tiff::decode_tiff(bytes),
        Ok(format @ (ImageFormat::WebP | ImageFormat::Bmp)) => raster::decode_raster(bytes, format),
        // The `image` crate does not recognise BigTIFF.
        Err(_) if bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+") => {
            tiff::decode_tiff(bytes)
        }
        #[cfg(feature = "heic")]
        _ if heic::is_heic(bytes) => heic::decode_heic(bytes),
        Ok(format) => Err(DecodeError::Unsupported {
            what: format!("{format:?}, Kennel reads JPEG, PNG, WebP, BMP, GIF, TIFF and HEIC"),
        }),
        Err(_) => Err(not_an_image(bytes)),
    }
}

fn not_an_image(bytes: &[u8]) -> DecodeError {
    if bytes.get(4..8) == Some(b"ftyp") {
        let brand = String::from_utf8_lossy(bytes.get(8..12).unwrap_or_default()).into_owned();
        return DecodeError::Unsupported {
            what: format!(
                "an ISO media file of brand `{brand}` (AVIF and videos are not read, HEIC only with \
                 the feature `heic`)"
            ),
        };
    }
    let begins = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]);
    // The cut may split a character of several bytes.
    let begins = begins.trim_end_matches(char::REPLACEMENT_CHARACTER).escape_debug();
    DecodeError::NotAnImage { begins: format!("\"{begins}\"") }
}
