//! Names in a file, one a line.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use kennel_core::{CoreError, open_regular};

use super::no_photo::NoPhoto;
use crate::error::Result;

/// Longest name that is read, in bytes: longer than any path.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Refuses a list that cannot be opened.
pub(super) fn check(list: &Path) -> Result<()> {
    if !is_stdin(list) {
        open_regular(list)?;
    }
    Ok(())
}

/// Returns the names in a list, as they are read. Whatever ends the list early is its last item.
pub(super) fn names_in(list: PathBuf) -> impl Iterator<Item = Result<PathBuf, NoPhoto>> {
    let mut lines: Result<Box<dyn BufRead>, CoreError> = match is_stdin(&list) {
        true => Ok(Box::new(BufReader::new(io::stdin()))),
        false => open_regular(&list).map(|file| Box::new(BufReader::new(file)) as _),
    };
    let (mut number, mut has_ended) = (0, false);
    std::iter::from_fn(move || {
        while !has_ended {
            number += 1;
            let line = match &mut lines {
                Ok(lines) => line(lines),
                Err(error) => Err(error.to_string()),
            };
            match line {
                Ok(None) => return None,
                Ok(Some(line)) => {
                    // As editors on Windows write them.
                    let line =
                        line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line);
                    let name = line.strip_suffix(b"\r").unwrap_or(line);
                    if !name.is_empty() {
                        return Some(Ok(path(name)));
                    }
                }
                Err(reason) => {
                    has_ended = true;
                    let reason = format!("line {number}: {reason}");
                    return Some(Err(NoPhoto { asked: list.to_string_lossy().into(), reason }));
                }
            }
        }
        None
    })
}

fn is_stdin(list: &Path) -> bool {
    list == Path::new("-")
}

/// Reads a line without its end; none at the end of the list.
fn line(lines: &mut dyn BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let read = lines.take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
    match read.map_err(|error| error.to_string())? as u64 {
        0 => Ok(None),
        bytes if bytes > MAX_LINE_BYTES => {
            Err(format!("it has more than {MAX_LINE_BYTES} bytes: this is no list of photos"))
        }
        _ => {
            if line.ends_with(b"\n") {
                line.pop();
            }
            Ok(Some(line))
        }
    }
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).into()
}

/// Elsewhere names are text.
#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
