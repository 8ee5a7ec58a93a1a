//! Bytes of a photo to its RGB pixels, as `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` of Pillow has them.
//!
//! JPEG goes to zune-jpeg directly, the other formats to the `image` crate. What a header claims is checked against
//! [`MAX_PIXELS`] before anything is allocated for it.
//!
//! JPEG leaves rounding in the inverse transform and in the interpolation of colour to the decoder. On 799 real photos zune-jpeg
//! 0.5.15 and Pillow's libjpeg-turbo differ by 0.19 levels on average (0.38 on the worst photo), by more than one level on 5 % of
//! the values, by 4 or less at most on 683 photos and by 14 at most on one edge of colour.

mod error;
mod jpeg;
mod jpeg_end;
mod orientation;
mod raster;

use std::path::Path;

use image::{ImageFormat, RgbImage};

use self::jpeg::decode_jpeg;
use self::raster::decode_raster;
use crate::error::{DataError, Result};

pub use self::error::DecodeError;

/// The most pixels a photo may have: 200 million, above every camera, 600 MB of RGB.
pub const MAX_PIXELS: u64 = 200_000_000;
/// The longest photo file, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// Reads and decodes one photo.
///
/// # Errors
///
/// [`CoreError::Io`](kennel_core::CoreError::Io) when the file cannot be read, [`DataError::Decode`] when it is not a whole photo.
pub fn read_photo(path: &Path) -> Result<RgbImage> {
    let bytes = read_bounded(path)?;
    decode(&bytes).map_err(|source| DataError::Decode { path: path.into(), source })
}

/// The bytes of a file that is not longer than [`MAX_FILE_BYTES`].
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path).map_err(DataError::io("read", path))?;
    if metadata.len() > MAX_FILE_BYTES {
        let source = DecodeError::TooManyBytes { bytes: metadata.len() };
        return Err(DataError::Decode { path: path.into(), source });
    }
    std::fs::read(path).map_err(DataError::io("read", path))
}

/// The pixels of a whole JPEG, PNG, WebP, BMP, GIF (first frame) or TIFF: upright by its EXIF orientation; 16-bit values
/// by their high byte, alpha dropped, as Pillow's `convert("RGB")`.
///
/// Differs: 16-bit grey, which Pillow 13 clips to white, is its high byte too. Palette TIFFs are not read.
///
/// # Errors
///
/// [`DecodeError`], which never costs more memory than the photo itself would.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(DecodeError::TooManyBytes { bytes: bytes.len() as u64 });
    }
    // A decoder that panics over a damaged file costs that file, not the scan of all the others.
    std::panic::catch_unwind(|| decode_by_format(bytes)).unwrap_or_else(|_| {
        Err(DecodeError::Damaged { format: "image", reason: "the decoder gave up on it".into() })
    })
}

fn decode_by_format(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => decode_jpeg(bytes),
        Ok(
            format @ (ImageFormat::Png
            | ImageFormat::WebP
            | ImageFormat::Bmp
            | ImageFormat::Gif
            | ImageFormat::Tiff),
        ) => decode_raster(bytes, format),
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

fn check_pixels(width: u64, height: u64) -> Result<(), DecodeError> {
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels { width, height });
    }
    Ok(())
}
