//! A file that gets its name once it is whole.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::scratch::{self, WRITING};
use crate::{CoreError, Result};

/// A file that is written beside its place and renamed into it by [`NewFile::finish`]. The name
/// therefore leads to the old file or to the whole new one. Dropping it unfinished removes it.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl NewFile {
    /// Begins a file that will be `path`. Removes what killed processes left of it.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the folder is missing or not writable.
    pub fn begin(path: &Path) -> Result<Self> {
        let folder = folder_of(path);
        // Of this file alone: on some network file systems a lock holds on one machine only, and
        // another machine may be writing another file here.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!("{WRITING}{name}-");
        scratch::clear_abandoned(folder, &prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        // Temporary files are private by default, but this one replaces a file that others may
        // read.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o644));
        }
        let file = scratch::file_in(folder, &builder).map_err(CoreError::io("write", path))?;
        Ok(Self { path: path.into(), writer: BufWriter::with_capacity(1 << 20, file) })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it into place, after its bytes are on the disk.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`], for example when the disk is full. The old file stays.
    pub fn finish(self) -> Result<()> {
        let Self { path, writer } = self;
        let finished =
            writer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| error.error)
            });
        finished.map(drop).map_err(CoreError::io("write", path))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Returns the folder that contains a file: `.` for a plain file name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
