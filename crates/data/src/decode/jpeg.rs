//! JPEG, through libjpeg-turbo-rs: bit for bit what Pillow's libjpeg-turbo computes.

use image::RgbImage;
use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, Image, JpegError, PixelFormat};

use super::admission::admit;
use super::jpeg_markers::{Frame, Markers};
use super::jpeg_planes::mix_planes;
use super::{DecodeError, Decoded, MAX_PIXELS, Note, orientation};

/// The most scans a JPEG may have: every scan costs a walk over the whole picture, and a scan of a
/// few bytes is valid. Progressive photos have about ten; libjpeg-turbo's own fuzzing stops at 500.
const MAX_SCANS: usize = 500;

pub(super) fn decode_jpeg(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let markers = Markers::read(bytes);
    // Pillow refuses a JPEG without an end marker; the decoder paints the rest grey.
    if !markers.ends {
        return Err(DecodeError::Truncated {
            reason: format!("no end-of-image marker in {} bytes of JPEG", bytes.len()),
        });
    }
    let frame = markers.frame.ok_or_else(|| damaged("no frame header"))?;
    if let Some(what) = frame.unsupported(&markers.scans) {
        return Err(DecodeError::Unsupported { what });
    }
    let held = admit(u64::from(frame.width), u64::from(frame.height), scratch_bytes(&frame))?;
    if !markers.restarts_in_order {
        return Err(damaged("restart markers out of order"));
    }
    let (photo, notes) = decode_whole_or_cut(bytes, &frame, frame.misses_scans(&markers.scans))?;
    Ok(Decoded::new(photo, orientation::of_jpeg(bytes), notes, held))
}

/// Returns the most that the decoder holds besides the pixels: planes of whole blocks, their
/// coefficients (two bytes each), and two planes of chroma at full size, where it has no faster
/// way.
fn scratch_bytes(frame: &Frame) -> u64 {
    let (wide, high) = frame.finest_sampling();
    let (wide, high) = (u64::from(wide), u64::from(high));
    let blocks =
        u64::from(frame.width).div_ceil(8 * wide) * u64::from(frame.height).div_ceil(8 * high);
    let of_one = |&(h, v): &(u8, u8)| 64 * blocks * u64::from(h) * u64::from(v);
    let samples: u64 = frame.sampling.iter().map(of_one).sum();
    let coefficients = if frame.is_progressive() { 2 * samples } else { 0 };
    samples + coefficients + 2 * 64 * blocks * wide * high
}

/// Decodes the pixels, with a note if data are missing.
///
/// If the data of a scan stop before the picture is complete, libjpeg warns
/// (`premature end of data segment`) and leaves the rest grey, or coarse in a progressive photo. It
/// smooths over `missing_scans` silently. This function does the same. Arithmetic-coded data do not
/// show where they stop: they continue with zeros.
fn decode_whole_or_cut(
    bytes: &[u8],
    frame: &Frame,
    missing_scans: bool,
) -> Result<(RgbImage, Vec<Note>), DecodeError> {
    // The decoder smooths neither planes nor arithmetic-coded pictures.
    let is_smoothed = !comes_by_planes(frame) && !frame.is_arithmetic();
    let fills_in_as_libjpeg = is_smoothed || !frame.is_progressive();
    if missing_scans && !fills_in_as_libjpeg {
        return Err(explain(JpegError::UnexpectedEof));
    }
    match decode_frame(bytes, frame, false) {
        Ok((photo, _)) => Ok((photo, vec![Note::CutOff; usize::from(missing_scans)])),
        Err(JpegError::UnexpectedEof) if fills_in_as_libjpeg => {
            let (photo, warnings) = decode_frame(bytes, frame, true).map_err(explain)?;
            // After a wrong Huffman code, both libjpeg and this decoder guess, but differently.
            let guess =
                |warning: &&DecodeWarning| matches!(warning, DecodeWarning::HuffmanError { .. });
            match warnings.iter().find(guess) {
                Some(warning) => Err(damaged(warning)),
                None => Ok((photo, vec![Note::CutOff])),
            }
        }
        Err(error) => Err(explain(error)),
    }
}

/// Decodes the pixels. `lenient` fills in missing data, with a warning.
fn decode_frame(
    bytes: &[u8],
    frame: &Frame,
    lenient: bool,
) -> Result<(RgbImage, Vec<DecodeWarning>), JpegError> {
    let limits =
        DecodeLimits { max_pixels: MAX_PIXELS, max_scans: MAX_SCANS, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(bytes, limits)?;
    decoder.set_lenient(lenient);
    if comes_by_planes(frame) {
        let space = decoder.jpeg_color_space();
        let (raw, warnings) = decoder.decode_raw_with_warnings()?;
        return Ok((mix_planes(&raw, frame, space), warnings));
    }
    // Smooth over missing scans of a progressive photo, as libjpeg does.
    decoder.set_block_smoothing(true);
    decoder.set_output_format(PixelFormat::Rgb);
    let Image { width, height, data, warnings, .. } = decoder.decode_image()?;
    let found = data.len();
    let photo = RgbImage::from_raw(width as u32, height as u32, data)
        .ok_or_else(|| JpegError::CorruptData(format!("{found} bytes of pixels")))?;
    Ok((photo, warnings))
}

/// Whether the decoder's own conversion to RGB would differ from libjpeg's: for four components, or
/// one that is sampled finer than the first.
fn comes_by_planes(frame: &Frame) -> bool {
    match frame.sampling.len() {
        1 => false,
        3 => frame.sampling[0] != frame.finest_sampling(),
        _ => true,
    }
}

fn damaged(reason: impl ToString) -> DecodeError {
    DecodeError::Damaged { format: "JPEG", reason: reason.to_string() }
}

fn explain(error: JpegError) -> DecodeError {
    match error {
        JpegError::Unsupported(what) => {
            DecodeError::Unsupported { what: format!("a JPEG ({what})") }
        }
        JpegError::LimitExceeded { what, actual, limit } => DecodeError::Unsupported {
            what: format!("a JPEG whose {what} is {actual}, at most {limit} are read"),
        },
        JpegError::UnexpectedEof => DecodeError::Truncated {
            reason: "the data of the JPEG stop before its end marker".into(),
        },
        JpegError::CorruptData(reason) => damaged(reason),
        error => damaged(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_stop_before_the_end_marker_are_noted() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jpeg_grid");
        for (file, expected) in [
            ("baseline-2x2_1x1_1x1", false),
            ("progressive-2x2_1x1_1x1", false),
            ("progressive-dc-2x2_1x1_1x1", true),
            ("arithmetic-2x2_1x1_1x1", false),
            ("cut-baseline-20", true),
            ("cut-baseline-95", true),
            ("cut-restart-60", true),
            ("cut-progressive-20", true),
            ("cut-progressive-95", true),
            ("cut-arithmetic-60", false),
        ] {
            let bytes = std::fs::read(format!("{folder}/{file}.jpg")).unwrap();
            let notes = decode_jpeg(&bytes).unwrap().notes;
            assert_eq!(notes, vec![Note::CutOff; usize::from(expected)], "{file}");
        }
    }
}
