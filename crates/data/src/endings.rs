//! How files of photos are called, and files of the formats that are not read.

use std::path::Path;

use image::ImageFormat;

/// Endings of the formats that are read.
const READ: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"];

/// Formats of photos that are not read, and their endings.
const NOT_READ: [(&str, &[&str]); 10] = [
    ("HEIC", &["heic", "heif", "hif"]),
    ("AVIF", &["avif"]),
    ("JPEG XL", &["jxl"]),
    ("JPEG 2000", &["jp2", "j2k", "j2c", "jpf", "jpx"]),
    (
        "raw",
        &[
            "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "dng", "orf", "rw2", "raf", "pef", "srw",
            "x3f", "erf", "kdc", "dcr", "mrw", "3fr", "iiq",
        ],
    ),
    ("Photoshop", &["psd", "psb"]),
    ("PNM", &["ppm", "pgm", "pbm", "pnm", "pam"]),
    ("OpenEXR", &["exr"]),
    ("TGA", &["tga"]),
    ("DICOM", &["dcm"]),
];

/// Whether a file is called like a photo, of a format that is read or not.
pub(crate) fn is_called_like_photo(path: &Path) -> bool {
    ending(path)
        .is_some_and(|ending| READ.contains(&ending.as_str()) || name_in(&NOT_READ, &ending).is_some())
}

/// The format that bytes begin like, where it is read and says so in its first bytes.
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
