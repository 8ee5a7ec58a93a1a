//! The photos in a tar, where they lie.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kennel_archive::{TarBounds, TarReader};
use kennel_core::open_regular;

use super::no_photo::NoPhoto;
use crate::archive::check_is_tar;
use crate::endings::is_called_like_photo;
use crate::litter::left_out;
use crate::photo_source::{Member, PhotoSource};

/// Nothing of an archive is held or written: only photos are read, and each has its own bound.
const BOUNDS: TarBounds =
    TarBounds { max_entries: u64::MAX, max_file_bytes: u64::MAX, max_total_bytes: u64::MAX };

/// Finds the files in a tar that are named like photos, as they are taken. Whatever ends the tar
/// early is the last item.
pub(super) fn members(path: PathBuf) -> impl Iterator<Item = Result<PhotoSource, NoPhoto>> {
    let name = path.to_string_lossy().into_owned();
    let mut tar = open(&path);
    let archive: Arc<Path> = path.into();
    let mut has_ended = false;
    std::iter::from_fn(move || {
        let none = |reason: String| Some(Err(NoPhoto { asked: name.clone(), reason }));
        while !has_ended {
            let entry = match &mut tar {
                Ok(tar) => tar.next_entry().map_err(|error| error.to_string()),
                Err(reason) => Err(std::mem::take(reason)),
            };
            let entry = match (entry, &tar) {
                (Ok(Some(entry)), _) => entry,
                (Ok(None), Ok(tar)) if tar.has_end() => return None,
                (Ok(None), _) => {
                    has_ended = true;
                    return none("it has no end mark: it may have been cut off".into());
                }
                (Err(reason), _) => {
                    has_ended = true;
                    return none(reason);
                }
            };
            let offset = tar.as_ref().map_or(0, |tar| tar.get_ref().position);
            if is_shown(&entry.path) {
                let archive = Arc::clone(&archive);
                let member = Member { archive, path: entry.path, offset, size: entry.size };
                return Some(Ok(PhotoSource::Member(member)));
            }
        }
        None
    })
}

/// Whether a member is named like a photo and lies in no hidden or system folder.
fn is_shown(path: &Path) -> bool {
    let is_left_out =
        |part: std::path::Component| left_out(&part.as_os_str().to_string_lossy()).is_some();
    is_called_like_photo(path) && !path.components().any(is_left_out)
}

fn open(path: &Path) -> Result<TarReader<Counted>, String> {
    let mut file = open_regular(path).map_err(|error| error.to_string())?;
    let is_tar = check_is_tar(&mut file).map_err(|error| format!("cannot be read: {error}"))?;
    is_tar.map_err(|found| format!("not a tar: {found}"))?;
    let reader = BufReader::with_capacity(1 << 20, file);
    Ok(TarReader::new(Counted { reader, position: 0 }, BOUNDS))
}

/// A reader that knows where it stands, in bytes.
struct Counted {
    reader: BufReader<File>,
    position: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}
