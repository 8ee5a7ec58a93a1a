//! A file of cached features: one split, or one view of the training photos.
//!
//! The file starts with a header of one page: JSON, padded with spaces. Then follows one record per
//! photo: f32, little-endian, height by width by channels, or tokens by channels. The header is
//! written last and then the file gets its name, so a named file is complete. The header still
//! holds a digest of the records, because other programs can write to the folder.

#![allow(unsafe_code)]

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kennel_core::scratch::{self, WRITING};
use kennel_core::{CoreError, files, open_regular};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::Result;

const FORMAT: &str = "kennel-features-1";
const HEADER_BYTES: usize = 4096;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    key: String,
    part: String,
    /// Height, width, channels; or tokens, channels.
    shape: Vec<usize>,
    photos: usize,
    sha256: String,
}

/// A complete feature file, mapped into memory.
#[derive(Debug)]
pub struct FeatureFile {
    map: Mmap,
    shape: Vec<usize>,
    photos: usize,
}

impl FeatureFile {
    /// Maps a file. Returns None when it does not exist or does not match its header, `key`, `part`
    /// or `photos`.
    pub fn open(path: &Path, key: &str, part: &str, photos: usize) -> Option<Self> {
        let file = open_regular(path).ok()?;
        // SAFETY: a cache file is never written to after it gets its name. It is only replaced or
        // removed, and neither changes the mapped bytes.
        let map = unsafe { Mmap::map(&file) }.ok()?;
        let header: Header =
            serde_json::from_slice(map.get(..HEADER_BYTES)?.trim_ascii_end()).ok()?;
        let record = header.shape.iter().try_fold(4_usize, |size, &n| size.checked_mul(n))?;
        let is_whole = header.format == FORMAT
            && header.key == key
            && header.part == part
            && matches!(header.shape.len(), 2 | 3)
            && header.photos == photos
            && record.checked_mul(photos)?.checked_add(HEADER_BYTES)? == map.len()
            && header.sha256 == files::sha256_bytes(&map[HEADER_BYTES..]);
        is_whole.then_some(Self { map, shape: header.shape, photos })
    }

    /// Height, width and channels of a record, or tokens and channels.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Appends the record of photo `index` to `into`.
    ///
    /// # Panics
    ///
    /// When `index` is out of range.
    pub fn read(&self, index: usize, into: &mut Vec<f32>) {
        assert!(index < self.photos);
        let size = 4 * self.shape.iter().product::<usize>();
        let bytes = &self.map[HEADER_BYTES + index * size..][..size];
        into.extend(bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)));
    }
}

/// A feature file that is being written. It has a temporary name, gets its own name in
/// [`FeatureWriter::finish`], and is removed if it never does.
pub struct FeatureWriter {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    header: Header,
    written: usize,
}

impl FeatureWriter {
    /// Begins a file that gets the name `path` when it is finished.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub fn new(
        path: PathBuf,
        key: &str,
        part: &str,
        shape: Vec<usize>,
        photos: usize,
    ) -> Result<Self> {
        let error = || CoreError::io("write", &path);
        let folder = path.parent().expect("a file of the cache lies in a folder of it");
        scratch::clear_abandoned(folder, WRITING);
        let made =
            scratch::file_in(folder, tempfile::Builder::new().prefix(WRITING)).map_err(error())?;
        let mut file = BufWriter::with_capacity(1 << 20, made);
        file.write_all(&[b' '; HEADER_BYTES]).map_err(error())?;
        let header = Header {
            format: FORMAT.into(),
            key: key.into(),
            part: part.into(),
            shape,
            photos,
            sha256: String::new(),
        };
        Ok(Self { file, path, header, written: 0 })
    }

    /// Adds the records of the next photos.
    ///
    /// # Errors
    ///
    /// When writing fails, for example because the disk is full.
    pub fn push(&mut self, records: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = records.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.written += records.len();
        self.file.write_all(&bytes).map_err(CoreError::io("write", &self.path))?;
        Ok(())
    }

    /// Writes the header and gives the file its name.
    ///
    /// # Panics
    ///
    /// When the number of records is not the one in the header.
    ///
    /// # Errors
    ///
    /// When writing fails, for example because the disk is full.
    pub fn finish(mut self) -> Result<FeatureFile> {
        assert_eq!(self.written, self.header.photos * self.header.shape.iter().product::<usize>());
        let path = self.path;
        let mut file =
            self.file.into_inner().map_err(|e| CoreError::io("write", &path)(e.into_error()))?;
        // SAFETY: as in `open`; the header, written below, is not read through this map.
        let map = unsafe { Mmap::map(file.as_file()) }.map_err(CoreError::io("read", &path))?;
        self.header.sha256 = files::sha256_bytes(&map[HEADER_BYTES..]);
        let text = serde_json::to_vec(&self.header)
            .map_err(|e| CoreError::io("write", &path)(e.into()))?;
        file.seek(SeekFrom::Start(0)).map_err(CoreError::io("write", &path))?;
        file.write_all(&text).map_err(CoreError::io("write", &path))?;
        file.persist(&path).map_err(|e| CoreError::io("write", &path)(e.error))?;
        Ok(FeatureFile { map, shape: self.header.shape, photos: self.header.photos })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path) -> FeatureFile {
        let mut writer = FeatureWriter::new(path.into(), "key", "val", vec![1, 2, 3], 2).unwrap();
        writer.push(&[0.0, 1.0, 2.0, 3.0, 4.0, -5.5]).unwrap();
        writer.push(&[f32::NAN, 7.0, 8.0, 9.0, 10.0, f32::MIN_POSITIVE / 2.0]).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn what_was_written_is_read_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("val.features");
        let written = write(&path);
        let opened = FeatureFile::open(&path, "key", "val", 2).unwrap();
        for file in [written, opened] {
            assert_eq!(file.shape(), [1, 2, 3]);
            let mut values = Vec::new();
            file.read(1, &mut values);
            file.read(0, &mut values);
            assert!(values[0].is_nan());
            assert_eq!(values[5], f32::MIN_POSITIVE / 2.0);
            assert_eq!(values[6..], [0.0, 1.0, 2.0, 3.0, 4.0, -5.5]);
        }
    }

    #[test]
    fn tokens_are_records_of_two_axes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("val.features");
        let mut writer = FeatureWriter::new(path.clone(), "key", "val", vec![3, 2], 1).unwrap();
        writer.push(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        writer.finish().unwrap();
        let mut values = Vec::new();
        let file = FeatureFile::open(&path, "key", "val", 1).unwrap();
        file.read(0, &mut values);
        assert_eq!((file.shape(), values), (&[3, 2][..], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    }

    #[test]
    fn a_file_that_is_damaged_or_of_others_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("val.features");
        write(&path);
        assert!(FeatureFile::open(&path, "other", "val", 2).is_none());
        assert!(FeatureFile::open(&path, "key", "test", 2).is_none());
        assert!(FeatureFile::open(&path, "key", "val", 3).is_none());
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 10, HEADER_BYTES, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(FeatureFile::open(&path, "key", "val", 2).is_none(), "{cut} bytes");
        }
        let mut flipped = whole.clone();
        flipped[HEADER_BYTES + 3] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert!(FeatureFile::open(&path, "key", "val", 2).is_none());
        // A header that claims more bytes than fit in memory.
        let text = String::from_utf8(whole[..HEADER_BYTES].to_vec()).unwrap();
        let text = text.replace("[1,2,3]", "[4294967296,4294967296,4294967296]");
        std::fs::write(&path, [&text.as_bytes()[..HEADER_BYTES], &whole[HEADER_BYTES..]].concat())
            .unwrap();
        assert!(FeatureFile::open(&path, "key", "val", 2).is_none());
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let writer =
            FeatureWriter::new(folder.path().join("val.features"), "k", "val", vec![1, 1, 1], 1)
                .unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
