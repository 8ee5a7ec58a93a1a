//! JPEG, through zune-jpeg.

use image::RgbImage;
use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::jpeg_end;
use super::orientation::upright;
use super::{DecodeError, check_pixels};

pub(super) fn decode_jpeg(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
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
