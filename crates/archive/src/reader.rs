//! Reads a tar entry by entry.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::bounds::{TarBounds, TarUsed};
use crate::error::{TarError, damaged};
use crate::names::{Names, stay_inside};

/// Size of a tar's blocks. Every header begins at a multiple of it.
pub const BLOCK_BYTES: u64 = 512;

/// Largest size in bytes of a header that only describes the next entry.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TarEntry {
    /// Path without `.` components; never absolute, and never with `..`.
    pub path: PathBuf,
    /// Size in bytes.
    pub size: u64,
}

/// Reads the regular files of a tar one after the other, and skips folders. Refuses the whole
/// archive if it exceeds its [`TarBounds`] or has an entry whose path leads outside, a link, a
/// device or a sparse file.
///
/// Reads nothing ahead. After [`TarReader::finish_entry`], exactly the blocks of the entries so far
/// have been taken from the reader, so a reader at that position can be given to
/// [`TarReader::resume`].
///
/// ```
/// # use kennel_archive::{TarBounds, TarReader};
/// let bounds = TarBounds { max_entries: 100, max_file_bytes: 1 << 20, max_total_bytes: 1 << 24 };
/// let mut tar = TarReader::new([0; 1024].as_slice(), bounds);
/// while let Some(entry) = tar.next_entry()? {
///     tar.copy_entry(&mut std::io::sink())?;
///     println!("{} has {} bytes", entry.path.display(), entry.size);
/// }
/// assert!(tar.has_end());
/// # Ok::<(), kennel_archive::TarError>(())
/// ```
#[derive(Debug)]
pub struct TarReader<R> {
    reader: R,
    bounds: TarBounds,
    used: TarUsed,
    name: String,
    size: u64,
    left: u64,
    padding: u64,
    has_end: bool,
}

impl<R: Read> TarReader<R> {
    /// Reads from the beginning of an archive.
    pub fn new(reader: R, bounds: TarBounds) -> Self {
        Self::resume(reader, bounds, TarUsed::default())
    }

    /// Resumes where another reader stood after [`TarReader::finish_entry`], having used `used`.
    pub fn resume(reader: R, bounds: TarBounds, used: TarUsed) -> Self {
        Self {
            reader,
            bounds,
            used,
            name: String::new(),
            size: 0,
            left: 0,
            padding: 0,
            has_end: false,
        }
    }

    /// Skips the rest of the current entry and finds the next file. Returns `None` at the end.
    ///
    /// # Errors
    ///
    /// [`TarError::Read`] when the archive is damaged or ends inside an entry;
    /// [`TarError::Refused`] for an entry that must not be unpacked.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry>, TarError> {
        self.finish_entry()?;
        let mut names = Names::default();
        loop {
            let Some(header) = self.read_header()? else {
                return match names.is_empty() {
                    true => Ok(None),
                    false => Err(damaged("it ends after the name of an entry")),
                };
            };
            let kind = header.entry_type();
            if matches!(
                kind,
                tar::EntryType::GNULongName | tar::EntryType::GNULongLink | tar::EntryType::XHeader
            ) {
                names.read(kind, self.read_name(&header)?)?;
                continue;
            }
            let path = names.path(&header).map_err(TarError::Read)?;
            self.name = path.display().to_string();
            self.used.entries += 1;
            if self.used.entries > self.bounds.max_entries {
                return Err(self.refuse(format!(
                    "is beyond the {} entries that are read",
                    self.bounds.max_entries
                )));
            }
            let Some(path) = stay_inside(&path) else {
                return Err(self.refuse("leads outside the archive's own folder".into()));
            };
            self.size =
                names.size.map_or_else(|| header.entry_size(), Ok).map_err(TarError::Read)?;
            if kind.is_dir() || kind.is_pax_global_extensions() {
                // Their contents are skipped, but still limited: the bounds on files do not cover
                // them.
                if self.size > MAX_NAME_BYTES {
                    return Err(self.refuse(format!("is no file and has {} bytes", self.size)));
                }
                self.begin_entry();
                self.finish_entry()?;
                names = Names::default();
                continue;
            }
            if !matches!(kind, tar::EntryType::Regular | tar::EntryType::Continuous) {
                return Err(self.refuse(format!("is neither a file nor a folder ({kind:?})")));
            }
            if path.as_os_str().is_empty() {
                return Err(self.refuse("is a file without a name".into()));
            }
            let TarBounds { max_file_bytes, max_total_bytes, .. } = self.bounds;
            if self.size > max_file_bytes {
                return Err(self.refuse(format!(
                    "has {} bytes, at most {max_file_bytes} are read",
                    self.size
                )));
            }
            if self.size > max_total_bytes.saturating_sub(self.used.bytes) {
                return Err(
                    self.refuse(format!("brings the archive above {max_total_bytes} bytes"))
                );
            }
            self.used.bytes += self.size;
            self.begin_entry();
            return Ok(Some(TarEntry { path, size: self.size }));
        }
    }

    /// Writes the rest of the current file to `to`.
    ///
    /// # Errors
    ///
    /// [`TarError::Read`] when the archive ends before the file does; [`TarError::Write`] when
    /// writing to `to` fails.
    pub fn copy_entry(&mut self, to: &mut impl Write) -> Result<(), TarError> {
        let mut buffer = vec![0; (64 << 10).min(self.left.max(1) as usize)];
        while self.left > 0 {
            let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let n = self.read_some(&mut buffer[..wanted])?;
            if n == 0 {
                return Err(damaged(format!(
                    "entry `{}` has {} of {} bytes: the archive is truncated",
                    self.name,
                    self.size - self.left,
                    self.size
                )));
            }
            self.left -= n as u64;
            to.write_all(&buffer[..n]).map_err(TarError::Write)?;
        }
        Ok(())
    }

    /// Skips the rest of the current file, up to the next header.
    ///
    /// # Errors
    ///
    /// [`TarError::Read`] when the archive ends before that.
    pub fn finish_entry(&mut self) -> Result<(), TarError> {
        self.copy_entry(&mut io::sink())?;
        let mut block = [0; BLOCK_BYTES as usize];
        while self.padding > 0 {
            let n = self.read_some(&mut block[..self.padding as usize])?;
            if n == 0 {
                let name = &self.name;
                return Err(damaged(format!(
                    "entry `{name}` lacks the end of its last block: the archive is truncated"
                )));
            }
            self.padding -= n as u64;
        }
        Ok(())
    }

    /// Returns how much of the bounds is used.
    pub fn used(&self) -> TarUsed {
        self.used
    }

    /// Whether the archive ended with its end mark, a block of zeros.
    pub fn has_end(&self) -> bool {
        self.has_end
    }

    /// Returns the reader, which stands somewhere in the current file.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Returns the reader, to read what follows the end mark.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn begin_entry(&mut self) {
        self.left = self.size;
        self.padding = self.size.wrapping_neg() % BLOCK_BYTES;
    }

    fn refuse(&self, reason: String) -> TarError {
        TarError::Refused { entry: self.name.clone(), reason }
    }

    /// Reads the next header. Returns `None` at the end of the archive or at its end mark.
    fn read_header(&mut self) -> Result<Option<tar::Header>, TarError> {
        let mut header = tar::Header::new_old();
        let bytes = header.as_mut_bytes();
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_some(&mut bytes[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(damaged("it ends inside a header: the archive is truncated")),
                n => filled += n,
            }
        }
        if bytes.iter().all(|&byte| byte == 0) {
            self.has_end = true;
            return Ok(None);
        }
        let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|&byte| u32::from(byte)).sum();
        if header.cksum().map_err(TarError::Read)? != sum + 8 * u32::from(b' ') {
            return Err(damaged("archive header checksum mismatch"));
        }
        Ok(Some(header))
    }

    /// Reads the contents of a header that describes the next entry.
    fn read_name(&mut self, header: &tar::Header) -> Result<Vec<u8>, TarError> {
        self.name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        self.size = header.entry_size().map_err(TarError::Read)?;
        if self.size > MAX_NAME_BYTES {
            return Err(self.refuse(format!("names the next one in {} bytes", self.size)));
        }
        self.begin_entry();
        let mut bytes = Vec::new();
        self.copy_entry(&mut bytes)?;
        self.finish_entry()?;
        Ok(bytes)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(TarError::Read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use super::*;

    const BOUNDS: TarBounds =
        TarBounds { max_entries: 9, max_file_bytes: 5000, max_total_bytes: 9000 };

    fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            // Write the raw field: `set_path` refuses the names that an attacker would write.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, TarError> {
        let mut tar = TarReader::new(bytes, BOUNDS);
        let mut found = Vec::new();
        while let Some(entry) = tar.next_entry()? {
            let mut bytes = Vec::new();
            tar.copy_entry(&mut bytes)?;
            assert_eq!(bytes.len() as u64, entry.size);
            found.push((entry.path.display().to_string(), bytes));
        }
        Ok(found)
    }

    #[test]
    fn what_leads_outside_or_is_no_file_is_refused() {
        use tar::EntryType::{Block, Char, Fifo, GNUSparse, Link, Regular, Symlink};
        for (name, kind) in [
            ("../evil.jpg", Regular),
            ("a/../../evil.jpg", Regular),
            ("/tmp/evil.jpg", Regular),
            ("./", Regular),
            ("a/link.jpg", Symlink),
            ("a/hard.jpg", Link),
            ("a/pipe", Fifo),
            ("a/disk", Block),
            ("a/tty", Char),
            ("a/sparse", GNUSparse),
        ] {
            let error =
                read_all(&tar_of(&[("a/1.jpg", Regular, b"1234"), (name, kind, b"")])).unwrap_err();
            assert!(matches!(&error, TarError::Refused { entry, .. } if entry == name), "{error}");
        }
    }

    #[test]
    fn an_archive_that_swells_is_refused_before_it_is_read() {
        use tar::EntryType::{GNULongName, Regular, XHeader};
        let four = [7; 4000];
        let error = read_all(&tar_of(&[
            ("a", Regular, &four),
            ("b", Regular, &four),
            ("c", Regular, &four),
        ]));
        assert_eq!(error.unwrap_err().to_string(), "entry `c` brings the archive above 9000 bytes");
        let error = read_all(&tar_of(&[("a", Regular, &[7; 5001])])).unwrap_err().to_string();
        assert_eq!(error, "entry `a` has 5001 bytes, at most 5000 are read");
        let error =
            read_all(&tar_of(&[("a", Regular, b"".as_slice()); 10])).unwrap_err().to_string();
        assert_eq!(error, "entry `a` is beyond the 9 entries that are read");
        // A name of 70,000 bytes would be held in memory.
        for kind in [GNULongName, XHeader] {
            let error = read_all(&tar_of(&[("name", kind, &[b'a'; 70_000])])).unwrap_err();
            assert!(matches!(error, TarError::Refused { .. }), "{error}");
        }
        // So would a name that is repeated endlessly.
        let error = read_all(&tar_of(&[("name", GNULongName, b"a\0".as_slice()); 5]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("four times"), "{error}");
        // A size in a pax header counts like one in the entry's own header.
        let error =
            read_all(&tar_of(&[("x", XHeader, b"21 size=999999999999\n"), ("a", Regular, b"")]));
        assert!(error.unwrap_err().to_string().contains("has 999999999999 bytes"));
    }

    #[test]
    fn long_names_of_both_kinds_are_read_and_may_not_climb() {
        use tar::EntryType::{GNULongName, Regular, XHeader};
        let long = format!("{}/1.jpg", "breed".repeat(40));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        builder.append_data(&mut header, &long, b"1234".as_slice()).unwrap();
        assert_eq!(read_all(&builder.into_inner().unwrap()).unwrap(), [(long, b"1234".to_vec())]);
        let pax = tar_of(&[("x", XHeader, b"12 path=a/b\n"), ("short", Regular, b"1234")]);
        assert_eq!(read_all(&pax).unwrap(), [("a/b".to_string(), b"1234".to_vec())]);
        for (kind, bytes) in [(XHeader, b"13 path=../b\n".as_slice()), (GNULongName, b"../b\0")] {
            let error =
                read_all(&tar_of(&[("x", kind, bytes), ("short", Regular, b"")])).unwrap_err();
            assert!(error.to_string().contains("outside"), "{error}");
        }
    }

    #[test]
    fn a_truncated_or_damaged_archive_is_an_error_and_a_missing_end_is_known() {
        use tar::EntryType::Regular;
        let whole = tar_of(&[("a/1.jpg", Regular, b"1234"), ("a/2.jpg", Regular, &[9; 700])]);
        for length in [100, 513, 1024 + 512 + 10, 1024 + 512 + 800] {
            let error = read_all(&whole[..length]).unwrap_err().to_string();
            assert!(error.contains("truncated"), "{length}: {error}");
        }
        let mut damaged = whole.clone();
        damaged[1024] ^= 1;
        assert!(read_all(&damaged).unwrap_err().to_string().contains("checksum"));
        for (bytes, end) in [(whole.as_slice(), true), (&whole[..1024 + 512 + 1024], false)] {
            let mut tar = TarReader::new(bytes, BOUNDS);
            while tar.next_entry().unwrap().is_some() {}
            assert_eq!(tar.has_end(), end);
        }
    }

    #[test]
    fn an_archive_cut_in_the_padding_of_a_small_file_is_truncated() {
        let mut bytes = tar_of(&[("a", tar::EntryType::Regular, &[1; 30])]);
        bytes.truncate(542);
        let error = read_all(&bytes).unwrap_err().to_string();
        assert!(error.contains("`a` lacks the end of its last block"), "{error}");
    }

    #[test]
    fn reading_goes_on_at_the_boundary_of_an_entry() {
        use tar::EntryType::Regular;
        let whole =
            tar_of(&[("a", Regular, &[1; 700]), ("b", Regular, &[2; 30]), ("c", Regular, b"")]);
        let mut tar = TarReader::new(whole.as_slice(), BOUNDS);
        tar.next_entry().unwrap();
        tar.finish_entry().unwrap();
        let rest = *tar.get_ref();
        assert_eq!(whole.len() - rest.len(), 512 + 1024);
        let mut tar = TarReader::resume(rest, BOUNDS, tar.used());
        let mut names = Vec::new();
        while let Some(entry) = tar.next_entry().unwrap() {
            names.push(entry.path.display().to_string());
        }
        assert_eq!(names, ["b", "c"]);
        assert_eq!(tar.used(), TarUsed { entries: 3, bytes: 730 });
    }

    proptest::proptest! {
        #[test]
        fn damaged_archives_never_lead_outside_or_beyond_the_bounds(
            names in ("[./a]{1,9}", "[./a]{1,9}"),
            sizes in (0usize..900, 0usize..900),
            damage in proptest::collection::vec((0usize..4096, proptest::num::u8::ANY), 0..4),
            cut in proptest::option::of(0usize..4096),
        ) {
            let bounds = TarBounds { max_entries: 2, max_file_bytes: 800, max_total_bytes: 1000 };
            let file = tar::EntryType::Regular;
            let contents = (vec![1; sizes.0], vec![2; sizes.1]);
            let mut entries =
                vec![(names.0.as_str(), file, &contents.0[..]), (names.1.as_str(), file, &contents.1[..])];
            if sizes.0 % 2 == 0 {
                entries.push(("third", file, &[]));
            }
            let mut bytes = tar_of(&entries);
            for (at, value) in damage {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut % bytes.len());
            }
            let mut tar = TarReader::new(bytes.as_slice(), bounds);
            let (mut entries, mut total) = (0, 0);
            while let Ok(Some(entry)) = tar.next_entry() {
                let is_inside = entry.path.components().all(|part| matches!(part, Component::Normal(_)));
                proptest::prop_assert!(is_inside, "{}", entry.path.display());
                let mut written = Vec::new();
                if tar.copy_entry(&mut written).is_err() {
                    break;
                }
                proptest::prop_assert!(written.len() as u64 == entry.size && entry.size <= bounds.max_file_bytes);
                entries += 1;
                total += entry.size;
                proptest::prop_assert!(entries <= bounds.max_entries && total <= bounds.max_total_bytes);
            }
        }
    }
}
