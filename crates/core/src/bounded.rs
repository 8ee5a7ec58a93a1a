//! Reads untrusted files: regular files only, and never more bytes than a limit.

use std::fs::{self, File, FileType};
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use crate::{CoreError, Result};

/// Opens a regular file, following links. Refuses a pipe, a device or a folder without blocking on
/// it.
///
/// # Errors
///
/// [`CoreError::Io`], which says what the path is instead or why it cannot be opened. Its source
/// has the kind [`ErrorKind::NotFound`] when the path is missing and when a link leads nowhere.
pub fn open_regular(path: &Path) -> Result<File> {
    let refused = CoreError::io("read", path);
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // `O_NONBLOCK`: opening a pipe would otherwise wait for a writer. `O_NOCTTY`: a terminal
        // could otherwise become our controlling terminal.
        options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => return Err(refused(explained(path, error))),
    };
    // Ask the open handle: another process may replace the file at this path.
    match file.metadata().map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_file() => Ok(file),
        Ok(kind) => Err(refused(not_regular(kind))),
        Err(error) => Err(refused(error)),
    }
}

/// Reads a whole regular file of at most `limit_bytes`. The limit applies to the bytes read, not
/// only to the size that the file system reports.
///
/// # Errors
///
/// As [`open_regular`]; with the kind [`ErrorKind::FileTooLarge`] when the file is longer than the
/// limit.
pub fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let file = open_regular(path)?;
    let stated = file.metadata().map_or(0, |metadata| metadata.len());
    let too_large =
        || Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit_bytes} bytes"));
    if stated > limit_bytes {
        return Err(CoreError::io("read", path)(too_large()));
    }
    let mut bytes = Vec::new();
    let read = bytes
        .try_reserve_exact(stated as usize)
        .map_err(|_| ErrorKind::OutOfMemory.into())
        .and_then(|()| file.take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > limit_bytes => Err(CoreError::io("read", path)(too_large())),
        Ok(_) => Ok(bytes),
        Err(error) => Err(CoreError::io("read", path)(error)),
    }
}

/// Explains in plainer words why the system refused to open a file, where possible.
fn explained(path: &Path, error: Error) -> Error {
    match fs::metadata(path) {
        // Opening a socket always fails, so its kind is checked only here.
        Ok(metadata) if !metadata.is_file() => not_regular(metadata.file_type()),
        Err(_) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            Error::new(ErrorKind::NotFound, "it is a link that leads nowhere")
        }
        _ => error,
    }
}

fn not_regular(kind: FileType) -> Error {
    if kind.is_dir() {
        return Error::new(ErrorKind::IsADirectory, "it is a folder, not a file");
    }
    #[cfg(unix)]
    let what = {
        use std::os::unix::fs::FileTypeExt;
        match kind {
            kind if kind.is_fifo() => "a pipe",
            kind if kind.is_socket() => "a socket",
            _ => "a device",
        }
    };
    #[cfg(not(unix))]
    let what = "a device";
    Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_no_byte_further() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photo.jpg");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        let error = read_bounded(&path, 4).unwrap_err();
        assert!(error.to_string().ends_with("it has more than 4 bytes"), "{error}");
        assert!(
            matches!(error, CoreError::Io { source, .. } if source.kind() == ErrorKind::FileTooLarge)
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_by_what_it_is_and_at_once() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink("gone", at("astray")).unwrap();
        symlink("photo.jpg", at("link")).unwrap();
        fs::write(at("photo.jpg"), b"12345").unwrap();
        let said = |name: &str| read_bounded(&at(name), 100).unwrap_err().to_string();
        for (name, what) in [
            ("pipe", "it is a pipe, not a file"),
            ("socket", "it is a socket, not a file"),
            ("endless", "it is a device, not a file"),
            ("astray", "it is a link that leads nowhere"),
            ("", "it is a folder, not a file"),
        ] {
            assert!(said(name).ends_with(what), "{name}: {}", said(name));
        }
        assert!(said("gone").contains("No such file"), "{}", said("gone"));
        assert_eq!(read_bounded(&at("link"), 100).unwrap(), b"12345");
        // The kernel reports a size of 0 for files in `/proc`.
        assert!(!read_bounded(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
    }
}
