//! Endings of photo files, and of formats that are not read.

use std::path::Path;

use image::ImageFormat;

/// Endings of the formats that are read.
const READ: [&str; 13] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif", "hif",
];

/// Formats of photos that are not read, and their endings.
const NOT_READ: [(&str, &[&str]); 9] = [
    ("AVIF", &["avif"]),
    ("JPEG XL", &["jxl"]),
    ("JPEG 2000", &["jp2", "j2k", "j2c", "jpf", "jpx"]),
    (
        "raw",
        &[
            "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "dng", "orf", "rw2", "raf",
            "pef", "srw", "x3f", "erf", "kdc", "dcr", "mrw", "3fr", "iiq",
        ],
    ),
    ("Photoshop", &["psd", "psb"]),
    ("PNM", &["ppm", "pgm", "pbm", "pnm", "pam"]),
    ("OpenEXR", &["exr"]),
    ("TGA", &["tga"]),
    ("DICOM", &["dcm"]),
];

/// Files that lie among photos, but are not photos.
const NO_PHOTOS: [(&str, &[&str]); 3] = [
    ("SVG", &["svg", "svgz"]),
    ("PDF", &["pdf"]),
    (
        "video",
        &["mp4", "mov", "avi", "mkv", "webm", "m4v", "mts", "m2ts", "mpg", "mpeg", "wmv", "3gp"],
    ),
];

/// Whether a file has the ending of a photo, in a format that is read or not.
pub(crate) fn is_called_like_photo(path: &Path) -> bool {
    ending(path).is_some_and(|ending| {
        READ.contains(&ending.as_str()) || name_in(&NOT_READ, &ending).is_some()
    })
}

/// Returns the format of a file that is not read, by its ending and its first bytes: `AVIF`,
/// `raw (NEF)`. A JPEG with another ending is a JPEG.
pub(crate) fn other_format(
    path: &Path,
    beginning: impl FnOnce(&Path) -> Vec<u8>,
) -> Option<String> {
    let ending = ending(path)?;
    let name = name_in(&NOT_READ, &ending).or_else(|| name_in(&NO_PHOTOS, &ending))?;
    let beginning = beginning(path);
    // Raw photos are TIFF files whose first picture is a small preview.
    let is_read = begins_like_photo(&beginning)
        .is_some_and(|format| name != "raw" || format != ImageFormat::Tiff);
    if is_read || beginning.is_empty() {
        return None;
    }
    let ending = ending.to_uppercase();
    Some(if name.eq_ignore_ascii_case(&ending) {
        name.into()
    } else {
        format!("{name} ({ending})")
    })
}

/// Returns the format that the first bytes identify, if it is read. The first bytes of some formats
/// do not identify them.
pub(crate) fn begins_like_photo(beginning: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Gif, Jpeg, Png, Tiff, WebP};
    let format = image::guess_format(beginning).ok()?;
    [Jpeg, Png, Gif, WebP, Tiff].contains(&format).then_some(format)
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

fn name_in(formats: &[(&'static str, &[&str])], ending: &str) -> Option<&'static str> {
    formats.iter().find(|(_, endings)| endings.contains(&ending)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_named_and_a_jpeg_by_another_name_is_read() {
        let of =
            |name: &str, beginning: &[u8]| other_format(Path::new(name), |_| beginning.to_vec());
        assert_eq!(of("1.AVIF", b"\0\0\0\x18ftypavif").as_deref(), Some("AVIF"));
        assert_eq!(of("1.j2k", b"\xff\x4f\xff\x51").as_deref(), Some("JPEG 2000 (J2K)"));
        assert_eq!(of("1.NEF", b"MM\0*\0\0\0\x08").as_deref(), Some("raw (NEF)"));
        assert_eq!(of("1.mov", b"\0\0\0\x14ftypqt  ").as_deref(), Some("video (MOV)"));
        assert_eq!(of("1.avif", b"\xff\xd8\xff\xe0\0\x10JFIF"), None);
        assert_eq!(of("1.heic", b"\0\0\0\x18ftypheic"), None);
        assert_eq!(of("1.nef", b"\xff\xd8\xff\xe0\0\x10JFIF"), None);
        assert_eq!(of("1.tif", b"MM\0*\0\0\0\x08"), None);
        assert_eq!(of("1.mov", b""), None);
        assert_eq!(of("notes.txt", b"hello"), None);
    }
}
