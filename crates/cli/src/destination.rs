//! Where results go: stdout, or a file that gets its name once it is whole.

use std::io::Write;
use std::path::Path;

use kennel_core::{CoreError, NewFile};

use crate::failure::Failure;
use crate::output::write_while_read;

/// Where results go.
#[derive(Default)]
pub enum Destination {
    /// Stdout.
    #[default]
    Stdout,
    /// A file.
    File(NewFile),
}

impl Destination {
    /// Stdout, or the file `path`.
    ///
    /// # Errors
    ///
    /// If the file cannot be made.
    pub fn of(path: Option<&Path>) -> Result<Self, CoreError> {
        path.map_or(Ok(Destination::Stdout), |path| NewFile::begin(path).map(Destination::File))
    }

    /// Writes bytes and returns whether the reader is still there.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        match self {
            Destination::Stdout => write_while_read(bytes),
            Destination::File(file) => {
                let written = file.write_all(bytes);
                written.map_err(|error| CoreError::io("write", file.path())(error))?;
                Ok(true)
            }
        }
    }

    /// Ends the output. A file gets its name.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Destination::Stdout => Ok(()),
            Destination::File(file) => Ok(file.finish()?),
        }
    }
}
