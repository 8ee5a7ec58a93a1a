//! Compressed archives.

use std::io::Read;

/// Decompresses a gzip file while it is read. The bounds of a [`TarReader`](crate::TarReader) over
/// it also limit how far a small file may swell.
///
/// ```
/// # use std::io::Write;
/// # let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
/// # writer.write_all(&[0; 1024])?;
/// # let compressed = writer.finish()?;
/// # use kennel_archive::{TarBounds, TarReader, gunzip};
/// let bounds = TarBounds { max_entries: 100, max_file_bytes: 1 << 20, max_total_bytes: 1 << 24 };
/// let mut tar = TarReader::new(gunzip(compressed.as_slice()), bounds);
/// assert_eq!(tar.next_entry()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gunzip(reader: impl Read) -> impl Read {
    flate2::read::GzDecoder::new(reader)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{TarBounds, TarReader};

    #[test]
    fn a_small_file_that_swells_is_refused() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(1 << 20);
        tar.append_data(&mut header, "zeros", [0; 1 << 20].as_slice()).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&tar.into_inner().unwrap()).unwrap();
        let compressed = gzip.finish().unwrap();
        assert!(compressed.len() < 2000);
        let bounds = TarBounds { max_entries: 9, max_file_bytes: 5000, max_total_bytes: 9000 };
        let error = TarReader::new(gunzip(compressed.as_slice()), bounds).next_entry().unwrap_err();
        assert!(error.to_string().contains("at most 5000 are read"), "{error}");
        let error = TarReader::new(gunzip([b'x'; 99].as_slice()), bounds).next_entry().unwrap_err();
        assert!(error.to_string().contains("gzip"), "{error}");
    }
}
