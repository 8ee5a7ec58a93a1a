//! Bytes of a photo to its RGB pixels, as `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` of Pillow has them.
//!
//! JPEG goes to zune-jpeg directly, the other formats to the `image` crate. What a header claims is checked against
//! [`MAX_PIXELS`] before anything is allocated for it.
//!
//! JPEG leaves rounding in the inverse transform and in the interpolation of colour to the decoder. On 799 real photos zune-jpeg
//! 0.5.15 and Pillow's libjpeg-turbo differ by 0.19 levels on average (0.38 on the worst photo), by more than one level on 5 % of
//! the values, by 4 or less at most on 683 photos and by 14 at most on one edge of colour.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use crate::error::{DataError, Result};
use crate::jpeg_end;

/// The most pixels a photo may have: 200 million, above every camera, 600 MB of RGB.
pub const MAX_PIXELS: u64 = 200_000_000;
/// The longest photo file, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// Why bytes are not a photo. The message is the reason that stands beside the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No bytes at all.
    #[error("empty file")]
    Empty,
    /// No image format begins like this.
    #[error("not an image: begins with {begins}")]
    NotAnImage {
        /// The first bytes, quoted.
        begins: String,
    },
    /// An image, but of a kind that is not read.
    #[error("unsupported image: {what}")]
    Unsupported {
        /// Its kind.
        what: String,
    },
    /// The header claims more pixels than [`MAX_PIXELS`].
    #[error("too large: {width} x {height} pixels, at most {} million are read", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Claimed width.
        width: u64,
        /// Claimed height.
        height: u64,
    },
    /// More bytes than [`MAX_FILE_BYTES`].
    #[error("too large: {bytes} bytes, at most {MAX_FILE_BYTES} are read")]
    TooManyBytes {
        /// Size of the file.
        bytes: u64,
    },
    /// The data ends before the picture does.
    #[error("truncated: {reason}")]
    Truncated {
        /// Where it broke off.
        reason: String,
    },
    /// The data contradicts itself.
    #[error("damaged {format}: {reason}")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
}

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
        ) => decode_other(bytes, format),
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

fn decode_jpeg(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    let damaged = |error: zune_jpeg::errors::DecodeErrors| DecodeError::Damaged {
        format: "JPEG",
        reason: error.to_string(),
    };
    // Pillow refuses a JPEG whose data stop before the end marker; zune-jpeg paints the rest grey.
    if !jpeg_end::has_end_of_image(bytes) {
        return Err(DecodeError::Truncated {
            reason: format!("no end-of-image marker in {} bytes of JPEG", bytes.len()),
        });
    }
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder
        .info()
        .ok_or_else(|| DecodeError::Damaged { format: "JPEG", reason: "no frame header".into() })?;
    check_pixels(u64::from(info.width), u64::from(info.height))?;
    let four = match decoder.input_colorspace() {
        Some(colorspace @ (ColorSpace::CMYK | ColorSpace::YCCK)) => Some(colorspace),
        _ => None,
    };
    // CMYK is mixed here, with Pillow's rounding; YCCK has its first three components turned to RGB by the decoder.
    let wanted = if four == Some(ColorSpace::CMYK) { ColorSpace::CMYK } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(wanted));
    let mut pixels = decoder.decode().map_err(damaged)?;
    if wanted == ColorSpace::CMYK {
        pixels = mix_inverted_cmyk(&pixels);
    }
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let found = pixels.len();
    let photo = RgbImage::from_raw(u32::from(info.width), u32::from(info.height), pixels)
        .ok_or_else(|| DecodeError::Damaged { format: "JPEG", reason: format!("{found} bytes of pixels") })?;
    Ok(upright(photo, orientation))
}

/// Adobe writes the four inks inverted (255 is no ink), and Pillow takes every four-component JPEG to be Adobe's.
fn mix_inverted_cmyk(inks: &[u8]) -> Vec<u8> {
    inks.chunks_exact(4)
        .flat_map(|ink| {
            let white = ink[3];
            [ink[0], ink[1], ink[2]].map(|ink| white.saturating_sub(multiply_255(255 - ink, white)))
        })
        .collect()
}

/// Pillow's `MULDIV255`.
fn multiply_255(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}

fn decode_other(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, DecodeError> {
    let name = match format {
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        _ => "TIFF",
    };
    let explain = |error: image::ImageError| match error {
        image::ImageError::Unsupported(error) => DecodeError::Unsupported { what: error.to_string() },
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { reason: format!("{} bytes of {name} end in the picture", bytes.len()) }
        }
        error => DecodeError::Damaged { format: name, reason: error.to_string() },
    };
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    check_pixels(u64::from(width), u64::from(height))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8 + (64 << 20));
    decoder.set_limits(limits).map_err(explain)?;
    let orientation = match format {
        // An EXIF chunk is a small TIFF; a TIFF carries its orientation in the same tag of the same directory.
        ImageFormat::Tiff => Orientation::from_exif_chunk(bytes),
        _ => decoder.exif_metadata().ok().flatten().and_then(|exif| Orientation::from_exif_chunk(&exif)),
    };
    let image = DynamicImage::from_decoder(decoder).map_err(explain)?;
    let photo = rgb_as_pillow(image)?;
    Ok(upright(photo, orientation))
}

fn rgb_as_pillow(image: DynamicImage) -> Result<RgbImage, DecodeError> {
    let (width, height) = (image.width(), image.height());
    let high = |value: u16| (value >> 8) as u8;
    let pixels: Vec<u8> = match image {
        DynamicImage::ImageRgb8(photo) => return Ok(photo),
        DynamicImage::ImageLuma8(grey) => grey.into_raw().into_iter().flat_map(|v| [v; 3]).collect(),
        DynamicImage::ImageLumaA8(grey) => grey.pixels().flat_map(|p| [p.0[0]; 3]).collect(),
        DynamicImage::ImageRgba8(photo) => photo.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2]]).collect(),
        DynamicImage::ImageLuma16(grey) => grey.pixels().flat_map(|p| [high(p.0[0]); 3]).collect(),
        DynamicImage::ImageLumaA16(grey) => grey.pixels().flat_map(|p| [high(p.0[0]); 3]).collect(),
        DynamicImage::ImageRgb16(photo) => photo.into_raw().into_iter().map(high).collect(),
        DynamicImage::ImageRgba16(photo) => {
            photo.pixels().flat_map(|p| [high(p.0[0]), high(p.0[1]), high(p.0[2])]).collect()
        }
        other => {
            return Err(DecodeError::Unsupported { what: format!("pixels of type {:?}", other.color()) });
        }
    };
    let found = pixels.len();
    RgbImage::from_raw(width, height, pixels)
        .ok_or_else(|| DecodeError::Damaged { format: "image", reason: format!("{found} bytes of pixels") })
}

fn upright(photo: RgbImage, orientation: Option<Orientation>) -> RgbImage {
    match orientation {
        None | Some(Orientation::NoTransforms) => photo,
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(photo);
            image.apply_orientation(orientation);
            image.into_rgb8()
        }
    }
}
