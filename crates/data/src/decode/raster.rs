//! Decodes WebP and BMP with the `image` crate.

use std::io::{Cursor, ErrorKind};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::admission::admit;
use super::{DecodeError, Decoded, MAX_PIXELS, orientation};

/// Four channels, and the data that a lossy WebP is made from.
const SCRATCH_BYTES_A_PIXEL: u64 = 12;

pub(super) fn decode_raster(bytes: &[u8], format: ImageFormat) -> Result<Decoded, DecodeError> {
    let name = if format == ImageFormat::WebP { "WebP" } else { "BMP" };
    let explain = |error: ImageError| match error {
        ImageError::Unsupported(error) => DecodeError::Unsupported { what: error.to_string() },
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            DecodeError::Truncated {
                reason: format!("{} bytes of {name} end in the picture", bytes.len()),
            }
        }
        error => DecodeError::Damaged { format: name, reason: error.to_string() },
    };
    let mut decoder =
        ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let held = admit(width.into(), height.into(), SCRATCH_BYTES_A_PIXEL.saturating_mul(pixels))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8 + (64 << 20));
    decoder.set_limits(limits).map_err(explain)?;
    // Ignore metadata that cannot be read: the photo is still there.
    let exif = decoder.exif_metadata().unwrap_or_default();
    let xmp = decoder.xmp_metadata().unwrap_or_default();
    let photo = rgb(DynamicImage::from_decoder(decoder).map_err(explain)?)?;
    let orientation = orientation::stated(exif.as_deref(), xmp.as_deref());
    Ok(Decoded::new(photo, orientation, Vec::new(), held))
}

/// Converts to RGB. Drops alpha, as Pillow's `convert("RGB")` does.
fn rgb(image: DynamicImage) -> Result<RgbImage, DecodeError> {
    match image {
        DynamicImage::ImageRgb8(photo) => Ok(photo),
        DynamicImage::ImageRgba8(_)
        | DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_) => Ok(image.into_rgb8()),
        other => {
            Err(DecodeError::Unsupported { what: format!("pixels of type {:?}", other.color()) })
        }
    }
}
