//! PNG, WebP, BMP, GIF and TIFF, through the `image` crate.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::orientation::upright;
use super::{DecodeError, MAX_PIXELS, check_pixels};

pub(super) fn decode_raster(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, DecodeError> {
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
