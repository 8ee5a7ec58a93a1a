//! When and with which camera a photo was taken, by its EXIF.

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader};

use super::orientation::exif_and_xmp;
use super::tiff_directory::TiffDirectory;

/// Tags of EXIF 3.0, table 4 and 8.
mod tag {
    pub const MAKE: u16 = 0x010F;
    pub const MODEL: u16 = 0x0110;
    pub const EXIF: u16 = 0x8769;
    pub const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub const BODY_SERIAL_NUMBER: u16 = 0xA431;
}

/// When a photo was taken, and with which camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Seconds since 1970-01-01 by the camera's clock, whose time zone is not known.
    pub second: i64,
    /// The time as EXIF states it: `2026:02:07 16:55:41`.
    pub time: String,
    /// Make, model and serial number, as far as they are stated.
    pub camera: String,
}

/// Reads `DateTimeOriginal` and the camera from the EXIF of a JPEG, PNG, WebP, TIFF or HEIC. `None`
/// if the file states no such time. The time that an editor saved the file (`DateTime`) does not
/// count.
pub fn taken(bytes: &[u8]) -> Option<Taken> {
    #[cfg(feature = "heic")]
    if super::heic::is_heic(bytes) {
        return in_exif(&super::heic::exif(bytes)?);
    }
    match image::guess_format(bytes).ok()? {
        ImageFormat::Jpeg => in_exif(&exif_and_xmp(bytes)?.0),
        ImageFormat::Tiff => in_exif(bytes),
        format @ (ImageFormat::Png | ImageFormat::WebP) => {
            let reader = ImageReader::with_format(Cursor::new(bytes), format);
            in_exif(&reader.into_decoder().ok()?.exif_metadata().ok()??)
        }
        _ => None,
    }
}

fn in_exif(exif: &[u8]) -> Option<Taken> {
    let directory = TiffDirectory::new(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))?;
    let inner = directory.inner(tag::EXIF)?;
    let time = text(&inner, tag::DATE_TIME_ORIGINAL)?;
    let second = second(&time)?;
    let camera = [
        text(&directory, tag::MAKE),
        text(&directory, tag::MODEL),
        text(&inner, tag::BODY_SERIAL_NUMBER),
    ];
    let camera: Vec<String> = camera.into_iter().flatten().collect();
    Some(Taken { second, time, camera: camera.join(" ") })
}

/// Returns a tag's letters, up to the first NUL and without spaces around them. Bytes that are no
/// ASCII become `?`.
fn text(directory: &TiffDirectory, tag: u16) -> Option<String> {
    let bytes = directory.bytes(tag)?;
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    let letter = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    let text: String = bytes.iter().map(letter).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

/// Returns the seconds since 1970 of `YYYY:MM:DD HH:MM:SS`. `None` for another form, as of a camera
/// whose clock was not set.
fn second(time: &str) -> Option<i64> {
    let (date, clock) = time.split_once(' ')?;
    let numbers = |text: &str| -> Option<[i64; 3]> {
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<i64> = text
            .split(':')
            .map(|part| part.parse().ok().filter(|_| is_number(part) && part.len() <= 4))
            .collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date)?, numbers(clock)?);
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && year > 0;
    // 60 is a leap second.
    let is_clock = hour < 24 && minute < 60 && second <= 60;
    (is_date && is_clock)
        .then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar. Source: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March: the leap day is the last of them.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_since_1970_or_none() {
        for (time, expected) in [
            ("1970:01:01 00:00:00", Some(0)),
            ("1970:01:02 00:00:01", Some(86_401)),
            ("2000:02:29 12:00:00", Some(951_825_600)),
            ("2000:03:01 00:00:00", Some(951_868_800)),
            ("2026:02:07 16:55:41", Some(1_770_483_341)),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("2026-02-07 16:55:41", None),
            ("2026:02:07T16:55:41", None),
            ("2026:02:07 16:55", None),
            ("2026:02:07 24:00:00", None),
            ("2026:+2:07 16:55:41", None),
        ] {
            assert_eq!(second(time), expected, "{time}");
        }
    }

    /// A JPEG's beginning with a directory of make and model, and one inside it.
    fn jpeg(time: &[u8; 20], order: &[u8; 2]) -> Vec<u8> {
        let big = order == b"MM";
        let two = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let four = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [&two(tag)[..], &two(kind), &four(count), &value].concat()
        };
        // The header has 8 bytes, the first directory 2 + 3 * 12 + 4, the second 2 + 12 + 4.
        let exif = [
            &order[..],
            &two(42),
            &four(8),
            &two(3),
            &entry(tag::MAKE, 2, 3, *b"Ko\0\0"),
            &entry(tag::MODEL, 2, 4, *b"X 1\0"),
            &entry(tag::EXIF, 4, 1, four(50)),
            &four(0),
            &two(1),
            &entry(tag::DATE_TIME_ORIGINAL, 2, 20, four(68)),
            &four(0),
            time,
        ]
        .concat();
        let length = (exif.len() as u16 + 8).to_be_bytes();
        [&b"\xFF\xD8\xFF\xE1"[..], &length, b"Exif\0\0", &exif, b"\xFF\xDA"].concat()
    }

    #[test]
    fn time_and_camera_are_read_in_both_orders_of_bytes() {
        for order in [b"II", b"MM"] {
            let found = taken(&jpeg(b"2026:02:07 16:55:41\0", order)).unwrap();
            assert_eq!(found.second, 1_770_483_341);
            assert_eq!(
                (found.time.as_str(), found.camera.as_str()),
                ("2026:02:07 16:55:41", "Ko X 1")
            );
            assert_eq!(taken(&jpeg(b"0000:00:00 00:00:00\0", order)), None);
        }
        let whole = jpeg(b"2026:02:07 16:55:41\0", b"II");
        for length in 0..whole.len() {
            taken(&whole[..length]);
        }
        assert_eq!(taken(b"\xFF\xD8\xFF\xDA"), None);
    }
}
