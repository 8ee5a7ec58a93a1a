//! Bytes of a photo to its RGB pixels, as `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` of Pillow has them.
//!
//! A decoder finds out the size, has it admitted before anything is allocated for it, and hands out pixels as they lie in the
//! file; they are turned upright here.
//!
//! JPEG comes out as libjpeg-turbo, and so Pillow, has it: `tools/check_jpegs.py` holds folders of photos to that.

mod error;
mod note;

// What a decoder may take, and what becomes of one that panics.
mod budget;
mod memory;
mod quiet;

// The formats.
mod gif;
mod ink;
mod jpeg;
mod jpeg_markers;
mod jpeg_planes;
mod png;
mod raster;
mod tiff;
mod tiff_directory;

mod orientation;

use std::io::ErrorKind;
use std::path::Path;

use image::metadata::Orientation;
use image::{ImageFormat, RgbImage};
use kennel_core::CoreError;

use self::budget::{Budget, Reservation};
use crate::error::{DataError, Result};

pub use self::budget::set_memory_budget;
pub use self::error::DecodeError;
pub use self::note::{Note, Notes};

/// Grows with every change that changes a pixel of a decoded photo: what was computed from others is not used.
pub const REVISION: u32 = 2;

/// The most pixels a photo may have: 200 million, above every camera, 600 MB of RGB.
pub const MAX_PIXELS: u64 = 200_000_000;
/// The longest photo file, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// A photo, and what is worth knowing of it.
#[derive(Debug)]
pub struct Decoded {
    /// Its pixels, upright.
    pub photo: RgbImage,
    /// What is worth knowing of it, each at most once.
    pub notes: Vec<Note>,
    /// The memory of the pixels and of resizing them, for as long as this value lives.
    _held: Reservation,
}

impl Decoded {
    fn new(
        photo: RgbImage,
        orientation: Option<Orientation>,
        notes: Vec<Note>,
        mut held: Reservation,
    ) -> Self {
        let photo = orientation::upright(photo, orientation);
        let (width, height) = photo.dimensions();
        held.shrink_to(photo.as_raw().len() as u64 + resizing_bytes(width.into(), height.into()));
        Self { photo, notes, _held: held }
    }
}

/// Reads and decodes one photo.
///
/// # Errors
///
/// [`CoreError::Io`] when the file cannot be read, [`DataError::Decode`] when it is not a whole photo.
pub fn read_photo(path: &Path) -> Result<RgbImage> {
    Ok(read_decoded(path)?.photo)
}

/// As [`read_photo`], with the notes.
pub(crate) fn read_decoded(path: &Path) -> Result<Decoded> {
    let bytes = read_bounded(path)?;
    decode(&bytes).map_err(|source| DataError::Decode { path: path.into(), source })
}

/// The bytes of a regular file that is not longer than [`MAX_FILE_BYTES`].
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    kennel_core::read_bounded(path, MAX_FILE_BYTES).map_err(|error| match error {
        CoreError::Io { source, .. } if source.kind() == ErrorKind::FileTooLarge => {
            DataError::Decode { path: path.into(), source: DecodeError::TooManyBytes }
        }
        error => error.into(),
    })
}

/// The pixels of a whole JPEG, PNG, WebP, BMP, GIF (first frame) or TIFF (first picture): upright by its EXIF or XMP
/// orientation; 16-bit values by their high byte, alpha dropped, as Pillow's `convert("RGB")`.
///
/// Waits while other photos hold the memory that this one takes.
///
/// Differs: 16-bit grey, which Pillow 13 clips to white, is its high byte too.
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
    // A decoder that panics over a damaged file costs that file, not the scan of all the others.
    quiet::catch_quietly(|| decode_by_format(bytes)).unwrap_or_else(|| {
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
        // The `image` crate does not know the second kind of TIFF by its beginning.
        Err(_) if bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+") => tiff::decode_tiff(bytes),
        Ok(format) => Err(DecodeError::Unsupported {
            what: format!("{format:?}, Kennel reads JPEG, PNG, WebP, BMP, GIF and TIFF"),
        }),
        Err(_) => Err(not_an_image(bytes)),
    }
}

fn not_an_image(bytes: &[u8]) -> DecodeError {
    if bytes.get(4..8) == Some(b"ftyp") {
        let brand = String::from_utf8_lossy(bytes.get(8..12).unwrap_or_default()).into_owned();
        return DecodeError::Unsupported {
            what: format!("an ISO media file of brand `{brand}` (HEIC and AVIF are not read)"),
        };
    }
    let begins = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]);
    // A letter of several bytes may be cut.
    let begins = begins.trim_end_matches(char::REPLACEMENT_CHARACTER).escape_debug();
    DecodeError::NotAnImage { begins: format!("\"{begins}\"") }
}

/// Checks that a picture has pixels, and not too many.
fn check_size(width: u64, height: u64) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::NoPixels { width, height });
    }
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels { width, height });
    }
    Ok(())
}

/// Admits a picture of a size that was stated, of any format: checks the size and takes the memory for its RGB, for turning it
/// upright, for resizing it, and for `scratch_bytes` of the decoder's own, waiting for other photos where it must.
fn admit(width: u64, height: u64, scratch_bytes: u64) -> Result<Reservation, DecodeError> {
    check_size(width, height)?;
    let need_bytes = (6 * width * height + resizing_bytes(width, height)).saturating_add(scratch_bytes);
    let budget = Budget::of_process();
    let budget_bytes = budget.total();
    budget.reserve(need_bytes).ok_or(DecodeError::TooMuchMemory { width, height, need_bytes, budget_bytes })
}

/// What resizing takes beside the photo: a weight for each of its columns and rows.
fn resizing_bytes(width: u64, height: u64) -> u64 {
    4 * (width + height)
}
