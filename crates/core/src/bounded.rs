//! Reading files that anyone may have put there: regular files only, and never more bytes than stated.

use std::fs::{self, File, FileType};
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use crate::{CoreError, Result};

/// Opens a regular file, through links. A pipe, a device or a folder is refused without waiting for it.
///
/// # Errors
///
/// [`CoreError::Io`] with what stands there instead, or why it cannot be opened; its source has the kind
/// [`ErrorKind::NotFound`] where there is nothing and where a link leads nowhere.
pub fn open_regular(path: &Path) -> Result<File> {
    let refused = CoreError::io("read", path);
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without the first, opening a pipe waits for a writer; without the second, a terminal may become ours.
        options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => return Err(refused(explained(path, error))),
    };
    // Asked of the handle: what the name stands for may change.
    match file.metadata().map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_file() => Ok(file),
        Ok(kind) => Err(refused(not_regular(kind))),
        Err(error) => Err(refused(error)),
    }
}

/// Reads a whole regular file of at most `limit_bytes`. Its stated size is not believed.
///
/// # Errors
///
/// As [`open_regular`]; with the kind [`ErrorKind::FileTooLarge`] where the file goes on beyond the limit.
pub fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let file = open_regular(path)?;
    let stated = file.metadata().map_or(0, |metadata| metadata.len());
    let too_large = || Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit_bytes} bytes"));
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

/// The system's refusal to open a file, in plainer words where there are some.
fn explained(path: &Path, error: Error) -> Error {
    match fs::metadata(path) {
        // A socket has no other side to open.
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
        assert!(matches!(error, CoreError::Io { source, .. } if source.kind() == ErrorKind::FileTooLarge));
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
        // The kernel states no size for these.
        assert!(!read_bounded(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
    }
}
