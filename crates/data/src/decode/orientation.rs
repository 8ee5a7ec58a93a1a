//! Which side of a photo is up, by the rules of Pillow 13 (`Image.getexif`,
//! `ImageOps.exif_transpose`): the orientation tag of the EXIF directory, or if there is none, the
//! first `tiff:Orientation` of the XMP text.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use super::tiff_directory::TiffDirectory;

/// Turns a photo upright.
pub(super) fn upright(photo: RgbImage, orientation: Option<Orientation>) -> RgbImage {
    match orientation {
        None | Some(Orientation::NoTransforms) => photo,
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(photo);
            image.apply_orientation(orientation);
            image.into_rgb8()
        }
    }
}

/// Returns the orientation that a JPEG states before its picture.
pub(super) fn of_jpeg(bytes: &[u8]) -> Option<Orientation> {
    let (exif, xmp) = exif_and_xmp(bytes)?;
    stated(Some(&exif), xmp)
}

/// Returns the joined EXIF segments of a JPEG and its last XMP segment, as far as they stand before
/// its picture.
pub(super) fn exif_and_xmp(bytes: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
    let (mut exif, mut xmp) = (Vec::new(), None);
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    while let Some(at) = rest.iter().position(|&byte| byte == 0xFF) {
        rest = &rest[at + 1..];
        match rest {
            // Fill bytes, markers without a segment, and bytes that are not markers.
            [0x00 | 0x01 | 0xD0..=0xD8 | 0xFF, ..] => {}
            // The picture begins, or there is none.
            [0xD9 | 0xDA, ..] => break,
            [marker, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let Some(segment) = rest.get(3..1 + length.max(2)) else { break };
                match marker {
                    0xE1 if segment.starts_with(b"Exif\0\0") => {
                        exif.extend_from_slice(&segment[6..])
                    }
                    0xE1 if segment.starts_with(XMP) => xmp = Some(&segment[XMP.len()..]),
                    _ => {}
                }
                rest = &rest[1 + length.max(2)..];
            }
            _ => break,
        }
    }
    Some((exif, xmp))
}

/// Returns the orientation that EXIF and XMP state. EXIF may begin with `Exif\0\0`; a whole TIFF
/// file is EXIF, too.
pub(super) fn stated(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Option<Orientation> {
    let value = match exif.and_then(orientation_tag) {
        Some(value) => value,
        None => xmp.and_then(in_xmp)?,
    };
    match value.fract() == 0.0 && (1.0..=8.0).contains(&value) {
        true => Orientation::from_exif(value as u8),
        false => None,
    }
}

/// Finds what Pillow finds with `tiff:Orientation(="|>)([0-9])`.
fn in_xmp(text: &[u8]) -> Option<f64> {
    const NAME: &[u8] = b"tiff:Orientation";
    text.windows(NAME.len()).enumerate().filter(|(_, name)| *name == NAME).find_map(|(at, _)| {
        match &text[at + NAME.len()..] {
            [b'=', b'"', digit, ..] | [b'>', digit, ..] if digit.is_ascii_digit() => {
                Some(f64::from(digit - b'0'))
            }
            _ => None,
        }
    })
}

/// Returns the orientation tag of the first directory. A value that is not a number, such as
/// letters, is NaN; XMP does not count then.
fn orientation_tag(exif: &[u8]) -> Option<f64> {
    const ORIENTATION: u16 = 274;
    let prefix = b"Exif\0\0";
    let once = exif.strip_prefix(prefix).unwrap_or(exif);
    let directory = TiffDirectory::new(once.strip_prefix(prefix).unwrap_or(once))?;
    directory.numbers(ORIENTATION)?.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of orientation tags: type, count, and the four bytes of the value.
    fn exif(order: &[u8; 2], entries: &[(u16, u32, [u8; 4])]) -> Vec<u8> {
        let big = order == b"MM";
        let two = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let four = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = [&order[..], &two(42), &four(8), &two(entries.len() as u16)].concat();
        for (kind, count, value) in entries {
            bytes.extend([&two(274)[..], &two(*kind), &four(*count), value].concat());
        }
        bytes
    }

    const XMP_3: &[u8] = br#"<x tiff:Orientation="3"/>"#;

    /// The expected values are Pillow 13's: `Image.getexif().get(274)` and the size after
    /// `exif_transpose`.
    #[test]
    fn every_type_of_number_counts_and_letters_do_not() {
        let six = Some(Orientation::Rotate90);
        for (kind, count, value, expected) in [
            (3, 1, [6, 0, 0, 0], six),
            (4, 1, [6, 0, 0, 0], six),
            (9, 1, [6, 0, 0, 0], six),
            (8, 1, [6, 0, 0, 0], six),
            (6, 1, [6, 0, 0, 0], six),
            (13, 1, [6, 0, 0, 0], six),
            (11, 1, 6f32.to_le_bytes(), six),
            (3, 2, [6, 0, 3, 0], six),
            (1, 1, [6, 0, 0, 0], None),
            (2, 2, *b"6\0\0\0", None),
            (7, 1, [6, 0, 0, 0], None),
            (3, 1, [9, 0, 0, 0], None),
            // Entries without a value leave it to XMP.
            (4, 0, [6, 0, 0, 0], Some(Orientation::Rotate180)),
            (99, 1, [6, 0, 0, 0], Some(Orientation::Rotate180)),
        ] {
            let found = stated(Some(&exif(b"II", &[(kind, count, value)])), Some(XMP_3));
            assert_eq!(found, expected, "type {kind}, count {count}");
        }
        let big = exif(b"MM", &[(3, 1, [0, 6, 0, 0]), (3, 1, [0, 3, 0, 0])]);
        assert_eq!(stated(Some(&[b"Exif\0\0Exif\0\0", &big[..]].concat()), None), six);
    }

    #[test]
    fn xmp_counts_where_exif_has_no_such_tag() {
        let other = exif(b"II", &[]);
        assert_eq!(stated(Some(&other), Some(XMP_3)), Some(Orientation::Rotate180));
        let element = b"tiff:Orientation='1' <tiff:Orientation>8</tiff:Orientation>";
        assert_eq!(stated(None, Some(element)), Some(Orientation::Rotate270));
        assert_eq!(stated(None, Some(b"tiff:Orientation=")), None);
    }

    #[test]
    fn no_cut_of_a_directory_is_read_beyond_its_end() {
        let whole = exif(b"II", &[(3, 1, [6, 0, 0, 0])]);
        assert!(stated(Some(&whole), None).is_some());
        for length in 0..whole.len() - 4 {
            assert_eq!(stated(Some(&whole[..length]), None), None, "{length}");
        }
        let far = exif(b"II", &[(3, u32::MAX, [0xFF; 4])]);
        assert_eq!(stated(Some(&far), None), None);
    }

    #[test]
    fn the_exif_segments_of_a_jpeg_are_one_and_its_picture_holds_none() {
        let segment = |body: &[u8]| {
            let length = (body.len() as u16 + 2).to_be_bytes();
            [&[0xFF, 0xE1][..], &length, body].concat()
        };
        let first = segment(&[b"Exif\0\0", &exif(b"II", &[(3, 1, [6, 0, 0, 0])])[..]].concat());
        let second = segment(&[b"Exif\0\0", &exif(b"II", &[(3, 1, [3, 0, 0, 0])])[..]].concat());
        let jpeg = |segments: &[&[u8]]| [&[0xFF, 0xD8][..], &segments.concat()].concat();
        let six = Some(Orientation::Rotate90);
        assert_eq!(of_jpeg(&jpeg(&[&first, &second])), six);
        assert_eq!(of_jpeg(&jpeg(&[&[0xFF, 0xDA, 0, 2], &first])), None);
        let xmp = segment(&[b"http://ns.adobe.com/xap/1.0/\0", XMP_3].concat());
        assert_eq!(of_jpeg(&jpeg(&[&xmp, &first])), six);
        assert_eq!(of_jpeg(&jpeg(&[&xmp])), Some(Orientation::Rotate180));
        for length in 0..first.len() {
            of_jpeg(&jpeg(&[&first])[..length + 2]);
        }
    }
}
