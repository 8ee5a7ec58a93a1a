//! Decodes the first picture of a TIFF. The `tiff` crate reads the samples; this module interprets
//! them as Pillow does.

use std::io::{Cursor, Read, Seek, SeekFrom};

use image::RgbImage;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::admission::{admit, check_size};
use super::tiff_directory::TiffDirectory;
use super::{DecodeError, Decoded, Note, ink, orientation};

/// Limit on the values of a directory, in bytes.
const VALUE_BYTES: usize = 16 << 20;

/// Tag numbers.
mod tag {
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const SAMPLES: u16 = 277;
    pub const COLOR_MAP: u16 = 320;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const YCBCR_COEFFICIENTS: u16 = 529;
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    pub const REFERENCE_BLACK_WHITE: u16 = 532;
    pub const XMP: u16 = 700;
}

/// Tag 262 of grey pictures; the crate returns their samples unchanged.
const BLACK_IS_ZERO: u16 = 1;
const JPEG: u32 = 7;

pub(super) fn decode_tiff(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let damaged = |reason: &str| DecodeError::Damaged { format: "TIFF", reason: reason.into() };
    let directory =
        TiffDirectory::new(bytes).ok_or_else(|| damaged("its directory lies beyond its end"))?;
    let one = |tag, default| number(&directory, tag).unwrap_or(default);
    let (width, height) = (one(tag::WIDTH, 0), one(tag::HEIGHT, 0));
    check_size(width.into(), height.into())?;
    let meaning = Meaning::of(&directory)?;
    let samples = one(tag::SAMPLES, 1).max(1);
    let pixels = u64::from(width) * u64::from(height);
    let sample_bytes = u64::from(samples) * u64::from(one(tag::BITS, 1).div_ceil(8));
    // Three buffers: the samples, their high bytes, and a strip, which may be the whole picture.
    let held = admit(width.into(), height.into(), pixels.saturating_mul(3 * sample_bytes))?;

    // Declare the picture grey with as many samples as there are: then the crate does no further
    // checks. Not for JPEG, whose contents depend on this tag.
    let is_jpeg = one(tag::COMPRESSION, 1) == JPEG;
    let place = directory.place(tag::PHOTOMETRIC).filter(|_| !is_jpeg);
    let file =
        Overlay { file: Cursor::new(bytes), at: place, patch: directory.short(BLACK_IS_ZERO) };
    let explain = |error| explain(error, bytes.len());
    let limit = pixels.saturating_mul(sample_bytes) as usize;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = limit;
    limits.intermediate_buffer_size = limit.max(VALUE_BYTES);
    limits.ifd_value_size = VALUE_BYTES;
    let mut decoder = Decoder::new(file).map_err(explain)?.with_limits(limits);
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(explain)?;
    let planes = layout.planes.max(1);
    let mut notes = Vec::new();
    let levels = levels(read, &meaning, one(tag::BITS, 1), width as usize, &mut notes)?;

    let samples = if planes > 1 { planes } else { levels.len() / pixels as usize };
    if levels.len() < samples * pixels as usize || samples < meaning.samples() {
        return Err(damaged("it has fewer samples than pixels"));
    }
    // In planes, the samples of a pixel are a whole picture apart; otherwise they are adjacent.
    let (step, away) = if planes > 1 { (1, pixels as usize) } else { (samples, 1) };
    let mut photo = RgbImage::new(width, height);
    for (index, pixel) in photo.pixels_mut().enumerate() {
        pixel.0 = meaning.rgb(|sample| levels[index * step + sample * away]);
    }
    let orientation = orientation::stated(Some(bytes), directory.bytes(tag::XMP));
    Ok(Decoded::new(photo, orientation, notes, held))
}

/// Returns the first value of a tag, if it is a whole number of 32 bits.
fn number(directory: &TiffDirectory, tag: u16) -> Option<u32> {
    let value = directory.numbers(tag)?.next()?;
    (value.fract() == 0.0 && (0.0..=u32::MAX.into()).contains(&value)).then_some(value as u32)
}

/// What the samples of a pixel mean.
enum Meaning {
    /// One grey level; with 8 bits or fewer, 0 may be white.
    Grey { is_inverted: bool },
    /// One float; 255 is white.
    Floats,
    /// An index into these colours.
    Palette(Vec<[u8; 3]>),
    /// Red, green, blue, and perhaps more samples.
    Rgb,
    /// As `Rgb`, multiplied by the alpha that follows.
    Premultiplied,
    /// Cyan, magenta, yellow, black.
    Inks,
    /// Luma and chroma of ITU-R BT.601 in full range.
    YCbCr,
}

impl Meaning {
    /// Follows the keys that Pillow knows (`TiffImagePlugin.OPEN_INFO`). Some of them are not
    /// supported here, and only named in the error.
    fn of(directory: &TiffDirectory) -> Result<Self, DecodeError> {
        let numbers = |tag| directory.numbers(tag).map(|values| values.collect::<Vec<f64>>());
        let one = |tag, default| number(directory, tag).unwrap_or(default);
        let bits = one(tag::BITS, 1);
        let is_float = one(tag::SAMPLE_FORMAT, 1) == 3;
        let extra = number(directory, tag::EXTRA_SAMPLES);
        let compression = one(tag::COMPRESSION, 1);
        let unsupported =
            |what: &str| Err(DecodeError::Unsupported { what: format!("{what} in TIFF") });
        if let Some(name) = not_read(compression) {
            return unsupported(name);
        }
        if numbers(tag::BITS)
            .is_some_and(|all| all.iter().any(|bits_of| *bits_of != f64::from(bits)))
        {
            return unsupported("samples of different lengths");
        }
        if one(tag::SAMPLE_FORMAT, 1) == 2 {
            return unsupported("signed samples");
        }
        let (is_byte, is_read) = (bits == 8, [8, 16].contains(&bits));
        match (one(tag::PHOTOMETRIC, 0), one(tag::SAMPLES, 1)) {
            (0 | 1, 1) if is_float && bits == 32 => Ok(Meaning::Floats),
            _ if is_float => unsupported(&format!("{bits}-bit floats in colour")),
            (0 | 1, 2..) if extra == Some(1) => unsupported("grey with premultiplied alpha"),
            (inverted @ (0 | 1), samples)
                if is_read || samples == 1 && [1, 2, 4].contains(&bits) =>
            {
                Ok(Meaning::Grey { is_inverted: inverted == 0 && bits <= 8 })
            }
            (0 | 1, _) => unsupported(&format!("{bits}-bit grey")),
            (2, 4..) if is_read && extra == Some(1) => Ok(Meaning::Premultiplied),
            (2, 3..) if is_read => Ok(Meaning::Rgb),
            (2, _) => unsupported(&format!("{bits}-bit colour")),
            (3, samples) if is_byte || samples == 1 && [1, 2, 4].contains(&bits) => {
                let values = numbers(tag::COLOR_MAP).unwrap_or_default();
                let colors = values.len() / 3;
                if colors < 1 << bits {
                    let reason = "its palette is cut off".into();
                    return Err(DecodeError::Damaged { format: "TIFF", reason });
                }
                let high = |at: usize| (values[at] as u16 >> 8) as u8;
                let color = |index: usize| [0, 1, 2].map(|channel| high(index + channel * colors));
                Ok(Meaning::Palette((0..colors).map(color).collect()))
            }
            (3, _) => unsupported(&format!("a palette of {bits} bits")),
            (5, 4..) if is_read => Ok(Meaning::Inks),
            (6, _) if compression == JPEG => unsupported("JPEG with luma and chroma (YCbCr)"),
            // Pillow has its own tables for these.
            (6, _) if compression == 1 => unsupported("uncompressed luma and chroma (YCbCr)"),
            (6, 3) if is_byte => {
                let is_usual = |tag, usual: &[f64]| {
                    let stated = numbers(tag).unwrap_or(usual.to_vec());
                    stated.iter().zip(usual).all(|(a, b)| (a - b).abs() < 1e-3)
                };
                let has_usual_range =
                    is_usual(tag::REFERENCE_BLACK_WHITE, &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
                match numbers(tag::YCBCR_SUBSAMPLING).is_some_and(|sides| sides == [1.0, 1.0]) {
                    false => unsupported("subsampled chroma (YCbCr)"),
                    true if has_usual_range
                        && is_usual(tag::YCBCR_COEFFICIENTS, &[0.299, 0.587, 0.114]) =>
                    {
                        Ok(Meaning::YCbCr)
                    }
                    true => unsupported("luma and chroma (YCbCr) of unusual range or coefficients"),
                }
            }
            (6, _) => unsupported("luma and chroma (YCbCr)"),
            (8..=10, _) => unsupported("CIE Lab colours"),
            (other, samples) => unsupported(&format!(
                "{samples} samples of {bits} bits with photometric interpretation {other}"
            )),
        }
    }

    /// Returns how many samples of a pixel are used.
    fn samples(&self) -> usize {
        match self {
            Meaning::Grey { .. } | Meaning::Floats | Meaning::Palette(_) => 1,
            Meaning::Rgb | Meaning::YCbCr => 3,
            Meaning::Premultiplied | Meaning::Inks => 4,
        }
    }

    fn rgb(&self, sample: impl Fn(usize) -> u8) -> [u8; 3] {
        match self {
            Meaning::Grey { is_inverted: true } => [255 - sample(0); 3],
            Meaning::Grey { is_inverted: false } | Meaning::Floats => [sample(0); 3],
            Meaning::Palette(colors) => {
                colors.get(usize::from(sample(0))).copied().unwrap_or_default()
            }
            Meaning::Rgb => [sample(0), sample(1), sample(2)],
            Meaning::Premultiplied => {
                let alpha = u32::from(sample(3));
                let whole = |value: u8| {
                    (u32::from(value) * 255).checked_div(alpha).unwrap_or(0).min(255) as u8
                };
                [sample(0), sample(1), sample(2)].map(whole)
            }
            Meaning::Inks => ink::mixed([sample(0), sample(1), sample(2), sample(3)]),
            Meaning::YCbCr => from_ycbcr(sample(0), sample(1), sample(2)),
        }
    }
}

/// Returns the name of a compression that is not supported.
fn not_read(compression: u32) -> Option<&'static str> {
    match compression {
        2 | 3 => Some("CCITT Group 3 fax compression"),
        6 => Some("the old JPEG compression"),
        34_661 => Some("JBIG compression"),
        33_003 | 33_005 | 34_712 => Some("JPEG 2000 compression"),
        34_925 => Some("LZMA compression"),
        50_000 | 34_926 => Some("Zstandard compression"),
        50_001 | 34_927 => Some("WebP compression"),
        50_002 | 52_546 => Some("JPEG XL compression"),
        _ => None,
    }
}

/// Converts samples to 8 bits. 16-bit values keep their high byte; shorter ones are stretched,
/// except indices; floats are cut to whole numbers from 0 to 255.
fn levels(
    read: DecodingResult,
    meaning: &Meaning,
    bits: u32,
    width: usize,
    notes: &mut Vec<Note>,
) -> Result<Vec<u8>, DecodeError> {
    Ok(match read {
        DecodingResult::U8(packed) if bits < 8 => {
            let highest = (1u8 << bits) - 1;
            let factor = if matches!(meaning, Meaning::Palette(_)) { 1 } else { 255 / highest };
            let per_byte = (8 / bits) as usize;
            let unpacked = |row: &[u8]| {
                let level = |index: usize| {
                    let place = (per_byte - 1 - index % per_byte) * bits as usize;
                    (row[index / per_byte] >> place & highest) * factor
                };
                (0..width).map(level).collect::<Vec<u8>>()
            };
            packed.chunks_exact(width.div_ceil(per_byte)).flat_map(unpacked).collect()
        }
        DecodingResult::U8(levels) => levels,
        DecodingResult::U16(values) => {
            notes.extend(Note::on_range(values.iter().copied().max().unwrap_or(0)));
            values.into_iter().map(|value| (value >> 8) as u8).collect()
        }
        DecodingResult::F32(values) => {
            let highest = values.iter().copied().fold(0.0, f32::max);
            if highest > 0.0 && highest <= 1.0 {
                notes.push(Note::DarkFloats);
            }
            values.into_iter().map(|value| value as u8).collect()
        }
        _ => {
            let what = "samples of an unknown kind in TIFF".into();
            return Err(DecodeError::Unsupported { what });
        }
    })
}

/// Converts as libtiff does (`tif_color.c`), in its fixed-point numbers.
fn from_ycbcr(luma: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (luma, cb, cr) = (i32::from(luma), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = luma + ((91_881 * cr + HALF) >> 16);
    let green = luma + ((-22_553 * cb + HALF - 46_802 * cr) >> 16);
    let blue = luma + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|level| level.clamp(0, 255) as u8)
}

/// A file in which two bytes are replaced on reading.
struct Overlay<'a> {
    file: Cursor<&'a [u8]>,
    at: Option<usize>,
    patch: [u8; 2],
}

impl Read for Overlay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let from = self.file.position() as usize;
        let count = self.file.read(buffer)?;
        for (offset, byte) in self.patch.into_iter().enumerate() {
            let place = self.at.and_then(|at| (at + offset).checked_sub(from));
            if let Some(replaced) = place.and_then(|place| buffer[..count].get_mut(place)) {
                *replaced = byte;
            }
        }
        Ok(count)
    }
}

impl Seek for Overlay<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

fn explain(error: TiffError, length: usize) -> DecodeError {
    match error {
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { reason: format!("{length} bytes of TIFF end in the picture") }
        }
        TiffError::UnsupportedError(_) => {
            DecodeError::Unsupported { what: "a TIFF of a kind that is not read".into() }
        }
        error => DecodeError::Damaged { format: "TIFF", reason: error.to_string() },
    }
}
