//! JPEG, through zune-jpeg.

use image::RgbImage;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::{DecodeError, Decoded, admit, ink, jpeg_end, orientation};

/// Coefficients of a progressive file, and a fourth channel.
const SCRATCH_BYTES_A_PIXEL: u64 = 9;

pub(super) fn decode_jpeg(bytes: &[u8]) -> Result<Decoded, DecodeError> {
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
    let (width, height) = (u64::from(info.width), u64::from(info.height));
    let held = admit(width, height, SCRATCH_BYTES_A_PIXEL * width * height)?;
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
    let found = pixels.len();
    let photo = RgbImage::from_raw(u32::from(info.width), u32::from(info.height), pixels)
        .ok_or_else(|| DecodeError::Damaged { format: "JPEG", reason: format!("{found} bytes of pixels") })?;
    Ok(Decoded::new(photo, orientation::of_jpeg(bytes), Vec::new(), held))
}

/// Adobe writes the four inks inverted (255 is no ink), and Pillow takes every four-component JPEG to be Adobe's.
fn mix_inverted_cmyk(inks: &[u8]) -> Vec<u8> {
    inks.chunks_exact(4)
        .flat_map(|ink| ink::mixed([255 - ink[0], 255 - ink[1], 255 - ink[2], 255 - ink[3]]))
        .collect()
}
