//! Decodes HEIC, the photos of telephones (ADR 26).

use heifer::heifer_isobmff::HeifFile;
use heifer::{Error, Image, Options, decode_rgba8};
use image::RgbImage;

use super::admission::admit;
use super::{DecodeError, Decoded};

/// Planes of 16 bits and RGBA: the picture and a tile of it.
const SCRATCH_BYTES_A_PIXEL: u64 = 14;
/// Pixels that a picture may hold beyond its stated size: tiles and blocks reach over its edge.
const BEYOND_EDGE: u64 = 1 << 20;

/// Whether bytes are an ISO media file that may hold a HEIC picture, by its brand.
pub(super) fn is_heic(bytes: &[u8]) -> bool {
    const BRANDS: [&[u8; 4]; 6] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"];
    bytes.get(4..8) == Some(b"ftyp")
        && bytes.get(8..12).is_some_and(|brand| BRANDS.iter().any(|known| brand == &known[..]))
}

pub(super) fn decode_heic(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let file = HeifFile::parse(bytes).map_err(|error| explain(error.into()))?;
    let stated = file.image_size(file.primary_id).map_err(|error| explain(error.into()))?;
    let (width, height) = stated.ok_or_else(|| damaged("it states no size"))?;
    let pixels = u64::from(width) * u64::from(height);
    let held = admit(width.into(), height.into(), SCRATCH_BYTES_A_PIXEL.saturating_mul(pixels))?;
    // Other photos are decoded meanwhile, by other threads.
    let options = Options { max_threads: 1, max_pixels: 2 * pixels + BEYOND_EDGE };
    let Image { width, height, data, .. } = decode_rgba8(bytes, &options).map_err(explain)?;
    let rgb: Vec<u8> = data.chunks_exact(4).flat_map(|rgba| &rgba[..3]).copied().collect();
    let photo = RgbImage::from_raw(width, height, rgb);
    let photo = photo.ok_or_else(|| damaged("its pixels do not fill its size"))?;
    // It is upright: the file says how to turn it, and EXIF only repeats that.
    Ok(Decoded::new(photo, None, Vec::new(), held))
}

/// Returns the EXIF of a picture.
pub(super) fn exif(bytes: &[u8]) -> Option<Vec<u8>> {
    let file = HeifFile::parse(bytes).ok()?;
    file.exif(file.primary_id).ok()?
}

fn damaged(reason: &str) -> DecodeError {
    DecodeError::Damaged { format: "HEIC", reason: reason.into() }
}

fn explain(error: Error) -> DecodeError {
    match error {
        Error::Unsupported(what) => DecodeError::Unsupported { what: format!("HEIC: {what}") },
        error => damaged(&error.to_string()),
    }
}
