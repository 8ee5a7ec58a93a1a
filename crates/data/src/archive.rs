//! Unpacks a tar of photos into a temporary folder: bounded, and never outside the folder.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use kennel_archive::{TarBounds, TarError, TarReader};
use kennel_core::Task;

use crate::decode::MAX_FILE_BYTES;
use crate::error::{DataError, Result};

/// Limits on an archive: Stanford Dogs is 0.8 GB.
const BOUNDS: TarBounds =
    TarBounds { max_entries: 2_000_000, max_file_bytes: MAX_FILE_BYTES, max_total_bytes: 64 << 30 };

/// Unpacks the regular files of `archive` under `into`. Returns whether the archive has its end
/// marker; without one, it may have been cut off between two files. Refuses the whole archive if an
/// entry leads out of the folder, or is a link, a device or a sparse file.
pub(crate) fn unpack(archive: &Path, into: &Path, task: Task<'_>) -> Result<bool> {
    unpack_bounded(archive, into, BOUNDS, task)
}

fn unpack_bounded(archive: &Path, into: &Path, bounds: TarBounds, task: Task<'_>) -> Result<bool> {
    let failed = |error| match error {
        TarError::Refused { entry, reason } => {
            DataError::UnsafeArchive { path: archive.into(), entry, reason }
        }
        TarError::Write(source) => DataError::io("unpack", archive)(source),
        TarError::Read(source) => DataError::io("read", archive)(source),
        other => DataError::io("read", archive)(std::io::Error::other(other)),
    };
    let mut file = File::open(archive).map_err(DataError::io("read", archive))?;
    check_is_tar(&mut file)
        .map_err(DataError::io("read", archive))?
        .map_err(|found| DataError::NotAnArchive { path: archive.into(), found: found.into() })?;
    let mut tar = TarReader::new(BufReader::with_capacity(1 << 20, file), bounds);
    while let Some(entry) = tar.next_entry().map_err(failed)? {
        task.check()?;
        let target = into.join(entry.path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(DataError::io("create", folder))?;
        }
        let mut file = File::create(&target).map_err(DataError::io("create", &target))?;
        tar.copy_entry(&mut file).map_err(|error| match error {
            TarError::Write(source) => DataError::io("unpack", &target)(source),
            error => failed(error),
        })?;
    }
    Ok(tar.has_end())
}

/// Whether a file is a plain tar; if not, what it is. Leaves it at its beginning.
pub(crate) fn check_is_tar(file: &mut File) -> std::io::Result<Result<(), &'static str>> {
    use std::io::Seek;
    let mut head = [0; 265];
    let mut filled = 0;
    while filled < head.len() {
        match file.read(&mut head[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    file.rewind()?;
    if head.get(257..262) == Some(b"ustar".as_slice()) {
        return Ok(Ok(()));
    }
    Ok(Err(match head {
        [0x1F, 0x8B, ..] => "it is compressed with gzip",
        [b'B', b'Z', b'h', ..] => "it is compressed with bzip2",
        [0xFD, b'7', b'z', ..] => "it is compressed with xz",
        [b'P', b'K', ..] => "it is a zip",
        [0xFF, 0xD8, 0xFF, ..] | [0x89, b'P', b'N', b'G', ..] => {
            "it is a photo; a data set is a folder with a folder of photos per class"
        }
        _ => "it does not begin like one",
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use kennel_core::{Hint, Hinted};

    use super::*;

    fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> tempfile::NamedTempFile {
        let mut builder = tar::Builder::new(tempfile::NamedTempFile::new().unwrap());
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            // Written raw: `set_path` itself refuses what an attacker would write.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            if kind.is_symlink() || kind.is_hard_link() {
                header.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
            }
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn an_archive_that_leaves_its_folder_is_refused_and_writes_nothing_outside() {
        use tar::EntryType::{Fifo, Link, Regular, Symlink};
        for (name, kind) in [
            ("../evil.jpg", Regular),
            ("a/../../evil.jpg", Regular),
            ("/tmp/kennel-evil.jpg", Regular),
            ("a/link.jpg", Symlink),
            ("a/hard.jpg", Link),
            ("a/pipe.jpg", Fifo),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let into = dir.path().join("into");
            std::fs::create_dir(&into).unwrap();
            let bytes: &[u8] = if kind == Regular { b"evil" } else { b"" };
            let archive = tar_of(&[("a/good.jpg", Regular, b"good"), (name, kind, bytes)]);
            let error = unpack(archive.path(), &into, Task::unwatched()).unwrap_err().to_string();
            assert!(error.contains("is refused") && error.contains(name), "{error}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{name} escaped");
            assert!(!Path::new("/tmp/kennel-evil.jpg").exists());
        }
    }

    #[test]
    fn an_archive_is_bounded_and_unpacks_what_is_inside() {
        use tar::EntryType::Regular;
        let into = tempfile::tempdir().unwrap();
        let archive = tar_of(&[("./a/1.jpg", Regular, b"1234"), ("a/2.jpg", Regular, b"5678")]);
        let bounds = TarBounds { max_total_bytes: 7, ..BOUNDS };
        let error = unpack_bounded(archive.path(), into.path(), bounds, Task::unwatched())
            .unwrap_err()
            .to_string();
        assert!(error.contains("`a/2.jpg` brings the archive above 7 bytes"), "{error}");
        let stopped =
            unpack(archive.path(), into.path(), Task::new(&AtomicBool::new(true), &|_| {}));
        assert!(matches!(stopped, Err(DataError::Stopped(_))), "{stopped:?}");
        unpack(archive.path(), into.path(), Task::unwatched()).unwrap();
        assert_eq!(std::fs::read(into.path().join("a/1.jpg")).unwrap(), b"1234");
    }

    #[test]
    fn what_is_no_tar_says_what_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0x1F, 0x8B, 8, 0]).unwrap();
        let error = unpack(file.path(), Path::new("nowhere"), Task::unwatched()).unwrap_err();
        assert!(error.to_string().contains("gzip"), "{error}");
        assert_eq!(error.hints(), [Hint::FolderOrTar]);
    }
}
