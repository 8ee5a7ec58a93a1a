//! `sorted.jsonl`: where every sorted photo came from, a line before each is touched.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kennel_core::{CoreError, NewFile, files, read_bounded};
use serde::{Deserialize, Serialize};

use super::transfer::SortBy;
use crate::error::{DataError, Result};

/// File name of the journal in the folder that photos are sorted into.
pub const JOURNAL: &str = "sorted.jsonl";

/// Largest journal that is read, in bytes: some four million photos.
const MAX_BYTES: u64 = 1 << 30;

/// A line of the journal. The first field tells which.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// A folder was made.
    Folder {
        /// Its name; empty for the folder that photos are sorted into.
        folder: String,
    },
    /// A photo was sorted, or is about to be.
    Photo(Sorted),
}

/// A photo, and where it was sorted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sorted {
    /// Where it was, as an absolute path.
    pub photo: String,
    /// Where it went, relative to the journal's folder, with `/`.
    pub to: String,
    /// How.
    pub by: SortBy,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A journal that grows.
pub(super) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    /// Photo, place and digest of every line.
    known: HashSet<(String, String, String)>,
}

impl Journal {
    /// Opens the journal in `folder`, or begins one. Cuts off the half of a line that a killed
    /// process left: what it announced has not begun.
    ///
    /// # Errors
    ///
    /// A file of that name that is no journal, or cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        let (lines, whole) = match path.exists() {
            true => read_whole(&path)?,
            false => (Vec::new(), 0),
        };
        let opened = (|| {
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(false).open(&path)?;
            file.set_len(whole)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        })();
        let file = opened.map_err(DataError::io("write", &path))?;
        let known = lines.into_iter().filter_map(|line| match line {
            Line::Photo(Sorted { photo, to, sha256, .. }) => Some((photo, to, sha256)),
            Line::Folder { .. } => None,
        });
        Ok(Self { known: known.collect(), file: BufWriter::new(file), path })
    }

    /// Whether a line says that this photo went, or was about to go, to this place.
    pub fn knows(&self, sorted: &Sorted) -> bool {
        let Sorted { photo, to, sha256, .. } = sorted;
        self.known.contains(&(photo.clone(), to.clone(), sha256.clone()))
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn add(&mut self, line: Line) -> Result<()> {
        let mut text = serde_json::to_string(&line).map_err(|error| self.malformed(&error))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(DataError::io("write", &self.path))?;
        if let Line::Photo(Sorted { photo, to, sha256, .. }) = line {
            self.known.insert((photo, to, sha256));
        }
        Ok(())
    }

    /// Waits until the disk has all lines.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(DataError::io("write", &self.path))
    }

    fn malformed(&self, error: &serde_json::Error) -> DataError {
        let (path, reason) = (self.path.clone(), error.to_string());
        CoreError::Malformed { path, what: "journal", reason }.into()
    }
}

/// Reads a journal.
///
/// # Errors
///
/// A file that cannot be read, or a line that is not one of a journal.
pub(super) fn read(folder: &Path) -> Result<Vec<Line>> {
    Ok(read_whole(&folder.join(JOURNAL))?.0)
}

/// Writes a journal anew with the `lines` that still hold, or removes it if there are none.
///
/// # Errors
///
/// A file that cannot be written or removed.
pub(super) fn replace(folder: &Path, lines: &[Line]) -> Result<()> {
    let path = folder.join(JOURNAL);
    if lines.is_empty() {
        return std::fs::remove_file(&path).map_err(DataError::io("remove", &path));
    }
    let write = |file: &mut NewFile| {
        lines.iter().try_for_each(|line| {
            serde_json::to_writer(&mut *file, line)?;
            file.write_all(b"\n")
        })
    };
    Ok(files::write_atomically_with(&path, write)?)
}

/// Returns the whole lines of a journal, and their length in bytes.
fn read_whole(path: &Path) -> Result<(Vec<Line>, u64)> {
    let bytes = read_bounded(path, MAX_BYTES)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let malformed = |line: usize, reason: String| {
        DataError::Core(CoreError::MalformedLine {
            path: path.into(),
            line,
            what: "line of a journal of sorted photos",
            reason,
        })
    };
    let mut lines = Vec::new();
    let text = std::str::from_utf8(&bytes[..whole])
        .map_err(|_| malformed(1, "the file is not UTF-8".into()))?;
    for (index, line) in text.lines().enumerate() {
        let parsed: Line =
            serde_json::from_str(line).map_err(|error| malformed(index + 1, error.to_string()))?;
        let inside = match &parsed {
            Line::Folder { folder } => files::stays_inside(folder),
            Line::Photo(sorted) => !sorted.to.is_empty() && files::stays_inside(&sorted.to),
        };
        if !inside {
            return Err(malformed(index + 1, "it leads out of the folder".into()));
        }
        lines.push(parsed);
    }
    // Another program's file of this name may end without a line break.
    let rest = &bytes[whole..];
    let begins = |start: &[u8]| rest.starts_with(start) || start.starts_with(rest);
    if !begins(br#"{"photo":"#) && !begins(br#"{"folder":"#) {
        return Err(malformed(lines.len() + 1, "it does not begin like one".into()));
    }
    Ok((lines, whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(to: &str) -> Line {
        let (photo, sha256) = ("/photos/a.jpg".into(), "0".repeat(64));
        Line::Photo(Sorted { photo, to: to.into(), by: SortBy::Move, sha256 })
    }

    #[test]
    fn half_a_line_is_cut_off_and_the_next_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(JOURNAL);
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.add(Line::Folder { folder: "cat".into() }).unwrap();
        journal.add(line("cat/a.jpg")).unwrap();
        journal.sync().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let lines = read(dir.path()).unwrap();
        assert_eq!(lines, [Line::Folder { folder: "cat".into() }, line("cat/a.jpg")]);
        let next = br#"{"photo":"/photos/"#;
        let half = b"\xd0";
        for cut in 0..next.len() + half.len() {
            let torn = &[&next[..], half].concat()[..cut + 1];
            std::fs::write(&path, [&whole[..], torn].concat()).unwrap();
            assert_eq!(read(dir.path()).unwrap().len(), 2, "{cut}");
            let mut journal = Journal::open(dir.path()).unwrap();
            journal.add(line("cat/b.jpg")).unwrap();
            journal.sync().unwrap();
            assert_eq!(read(dir.path()).unwrap()[2], line("cat/b.jpg"));
        }
    }

    #[test]
    fn a_file_of_another_program_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(JOURNAL);
        for text in [
            "my notes",
            "[1]\n",
            "{\"photo\":\"/a\",\"to\":\"../b\",\"by\":\"move\",\"sha256\":\"\"}\n",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(Journal::open(dir.path()).is_err() && read(dir.path()).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
