//! Decodes PNG row by row, so that a picture needs little more memory than its RGB.

use std::io::{Cursor, ErrorKind};

use image::RgbImage;
use png::{
    BitDepth, DecodeOptions, Decoder, DecodingError, Info, InterlaceInfo, Limits, Transformations,
};

use super::admission::{admit, check_size};
use super::{DecodeError, Decoded, Note, orientation};

/// Limit on what the decoder allocates for text and profiles, in bytes.
const METADATA_BYTES: usize = 64 << 20;

pub(super) fn decode_png(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let failed = match read(bytes, DecodeOptions::default()) {
        Ok(decoded) => return Ok(decoded),
        Err(failed) => failed,
    };
    // Perhaps only the checksum of a chunk is wrong. The pixels have another checksum inside the
    // chunk: if that is right, so are they.
    if failed.in_pixels {
        let mut options = DecodeOptions::default();
        options.set_ignore_crc(true);
        options.set_ignore_adler32(false);
        if let Ok(mut decoded) = read(bytes, options) {
            decoded.notes.retain(|note| *note != Note::EndLost);
            decoded.notes.push(Note::EndLost);
            return Ok(decoded);
        }
    }
    Err(failed.error)
}

struct Failed {
    error: DecodeError,
    /// Whether header and palette were read before the failure.
    in_pixels: bool,
}

fn read(bytes: &[u8], options: DecodeOptions) -> Result<Decoded, Failed> {
    let failed = |in_pixels| move |error| Failed { error, in_pixels };
    let before = |error| failed(false)(explain(error, bytes.len()));
    let within = |error| failed(true)(explain(error, bytes.len()));

    // The library has no error of its own for a side of 0.
    let (width, height) = stated_size(bytes)
        .ok_or_else(|| before(DecodingError::IoError(ErrorKind::UnexpectedEof.into())))?;
    check_size(width.into(), height.into()).map_err(failed(false))?;
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_limits(Limits { bytes: METADATA_BYTES + 8 * width as usize });
    let mut reader = decoder.read_info().map_err(before)?;
    let (color, depth) = reader.output_color_type();
    let (is_colored, is_wide) = (color.samples() > 2, depth == BitDepth::Sixteen);
    let pixel_bytes = color.samples() * if is_wide { 2 } else { 1 };
    let is_interlaced = reader.info().interlaced;
    // RGB rows go straight into the photo.
    let is_rgb = pixel_bytes == 3;

    // Three rows: as in the file, in a buffer that grows by doubling; as decoded; as RGB.
    let row_bytes = 2 * reader.info().raw_bytes() as u64 / u64::from(height).max(1) + 2;
    let rows_bytes =
        row_bytes + width as u64 * (pixel_bytes as u64 + if is_interlaced { 3 } else { 0 });
    let held = admit(width.into(), height.into(), rows_bytes).map_err(failed(false))?;
    let stride = 3 * width as usize;
    let mut pixels = vec![0; stride * height as usize];
    let mut row = vec![0; if is_rgb { 0 } else { pixel_bytes * width as usize }];
    let mut of_pass = vec![0; if is_interlaced { stride } else { 0 }];
    let mut highest = 0;
    for line in 0..rows(reader.info()) {
        let target = match is_interlaced {
            true => of_pass.as_mut_slice(),
            false => &mut pixels[line * stride..][..stride],
        };
        let place =
            reader.read_row(if is_rgb { &mut *target } else { &mut row }).map_err(within)?;
        let place = place.ok_or_else(|| {
            let reason = "its frame is smaller than the picture".into();
            failed(true)(DecodeError::Damaged { format: "PNG", reason })
        })?;
        for (pixel, rgb) in row.chunks_exact(pixel_bytes).zip(target.chunks_exact_mut(3)) {
            // 16-bit values begin with their high byte, and alpha comes last.
            let values = match (is_colored, is_wide) {
                (false, _) => [pixel[0]; 3],
                (true, false) => [pixel[0], pixel[1], pixel[2]],
                (true, true) => [pixel[0], pixel[2], pixel[4]],
            };
            rgb.copy_from_slice(&values);
        }
        if is_wide {
            let colors = if is_colored { 6 } else { 2 };
            let values =
                row.chunks_exact(pixel_bytes).flat_map(|pixel| pixel[..colors].chunks_exact(2));
            highest = values.map(|v| u16::from_be_bytes([v[0], v[1]])).fold(highest, u16::max);
        }
        if let InterlaceInfo::Adam7(pass) = place {
            png::expand_interlaced_row(&mut pixels, stride, &of_pass, &pass, 24);
        }
    }
    // All pixels are read. What follows them may be lost, but their checksum must not be wrong.
    let end = match reader.read_row(&mut row) {
        Ok(_) => reader.finish(),
        Err(DecodingError::IoError(error)) => Err(DecodingError::IoError(error)),
        Err(error) => return Err(within(error)),
    };
    let mut notes: Vec<Note> = Note::on_range(highest).into_iter().collect();
    if end.is_err() {
        notes.push(Note::EndLost);
    }
    let photo = RgbImage::from_raw(width, height, pixels).expect("three bytes a pixel");
    Ok(Decoded::new(photo, stated_orientation(reader.info()), notes, held))
}

/// Returns the width and height that the header states.
fn stated_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((side(16)?, side(20)?))
}

/// Returns how many rows the decoder returns; for an interlaced picture, those of all passes.
fn rows(info: &Info) -> usize {
    // First column, first row and row step of Adam7's passes.
    const PASSES: [(u32, u32, u32); 7] =
        [(0, 0, 8), (4, 0, 8), (0, 4, 8), (2, 0, 4), (0, 2, 4), (1, 0, 2), (0, 1, 2)];
    if !info.interlaced {
        return info.height as usize;
    }
    let has_columns = PASSES.iter().filter(|(column, ..)| *column < info.width);
    has_columns
        .map(|(_, first, step)| info.height.saturating_sub(*first).div_ceil(*step) as usize)
        .sum()
}

/// Reads the orientation from EXIF (in its chunk or as text) or XMP (as text): Pillow's `exif`,
/// `Raw profile type exif` and `XML:com.adobe.xmp`.
fn stated_orientation(info: &Info) -> Option<image::metadata::Orientation> {
    let text = |keyword: &str| {
        let international = info.utf8_text.iter().filter(|text| text.keyword == keyword);
        let plain = info.uncompressed_latin1_text.iter().filter(|text| text.keyword == keyword);
        let packed = info.compressed_latin1_text.iter().filter(|text| text.keyword == keyword);
        // Ignore text that cannot be unpacked.
        let international = international.filter_map(|text| text.get_text().ok());
        let packed = packed.filter_map(|text| text.get_text().ok());
        international.chain(plain.map(|text| text.text.clone())).chain(packed).next()
    };
    let exif = match &info.exif_metadata {
        Some(exif) => Some(exif.to_vec()),
        None => text("Raw profile type exif").and_then(|profile| unhexed(&profile)),
    };
    orientation::stated(exif.as_deref(), text("XML:com.adobe.xmp").as_deref().map(str::as_bytes))
}

/// Decodes ImageMagick's raw profile: an empty line, its name, its length, then its bytes in
/// hexadecimal.
fn unhexed(profile: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = profile
        .lines()
        .skip(3)
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

fn explain(error: DecodingError, length: usize) -> DecodeError {
    let damaged = |reason: String| DecodeError::Damaged { format: "PNG", reason };
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { reason: format!("{length} bytes of PNG end in the picture") }
        }
        error => {
            let said = error.to_string();
            // The library's message shows its own types where it names a chunk.
            damaged(match said {
                said if said.starts_with("CRC error") => "the checksum of a chunk is wrong".into(),
                said if said.contains("ChunkType {") => "its chunks contradict each other".into(),
                said => said,
            })
        }
    }
}
