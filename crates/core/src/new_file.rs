//! A file that gets its name once it is whole.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::scratch::{self, WRITING};
use crate::{CoreError, Result};

/// A file that is written beside its place and renamed into it by [`NewFile::finish`]. Its name
/// therefore leads to the old file or to the whole new one. It is gone if it is not finished.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl NewFile {
    /// Begins a file that will be `path`. Removes the temporary files that killed processes left in
    /// its folder.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the folder is missing or not writable.
    pub fn begin(path: &Path) -> Result<Self> {
        let folder = folder_of(path);
        scratch::clear_abandoned(folder, WRITING);
        let mut builder = tempfile::Builder::new();
        builder.prefix(WRITING);
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

    /// Renames it into place, after its bytes are on the disk.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`], for example when the disk is full; what had the name still has it.
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
