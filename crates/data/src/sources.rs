//! Finds photos by what the user names: files, folders, patterns, or standard input.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use walkdir::WalkDir;

use crate::decode::{DecodeError, Decoded, MAX_FILE_BYTES, decode, read_decoded};
use crate::endings::{begins_like_photo, is_called_like_photo, other_format};
use crate::error::{DataError, Result};
use crate::litter::left_out;
use crate::walk::beginning;

/// One photo, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoSource {
    /// A file.
    File(PathBuf),
    /// The bytes of standard input.
    Stdin,
}

impl fmt::Display for PhotoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhotoSource::File(path) => f.pad(&path.to_string_lossy()),
            PhotoSource::Stdin => f.pad("-"),
        }
    }
}

impl PhotoSource {
    /// Decodes it.
    ///
    /// # Errors
    ///
    /// As [`read_photo`](crate::read_photo), and [`DataError::Address`] for a web address that is
    /// no file.
    pub fn read(&self) -> Result<Decoded> {
        match self {
            PhotoSource::File(path) if is_address(path) && !path.exists() => {
                Err(DataError::Address { address: path.clone() })
            }
            PhotoSource::File(path) => match other_format(path, beginning) {
                None => read_decoded(path),
                Some(what) => Err(DataError::Decode {
                    path: path.clone(),
                    source: DecodeError::Unsupported { what },
                }),
            },
            PhotoSource::Stdin => {
                let path = Path::new("-");
                let mut bytes = Vec::new();
                let stdin = std::io::stdin().lock();
                stdin
                    .take(MAX_FILE_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .map_err(DataError::io("read", path))?;
                let refuse = |source: DecodeError| DataError::Decode { path: path.into(), source };
                decode(&bytes).map_err(refuse)
            }
        }
    }
}

/// A name that leads to no photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPhoto {
    /// The name, or the path below it that failed.
    pub asked: String,
    /// The reason.
    pub reason: String,
}

/// Finds the photos that `asked` stands for, in its order and, within a folder, by name. They are
/// found as they are taken, so a tree of photos needs the names of one folder at a time in memory.
///
/// - `-` is standard input.
/// - A folder is searched recursively for files that are named like photos or begin like one.
/// - A name that is no file but contains `*`, `?` or `[` is a pattern.
pub fn photo_sources(asked: Vec<PathBuf>) -> impl Iterator<Item = Result<PhotoSource, NoPhoto>> {
    asked.into_iter().flat_map(|path| -> Box<dyn Iterator<Item = Result<PhotoSource, NoPhoto>>> {
        let name = path.to_string_lossy().into_owned();
        if name == "-" {
            return Box::new(std::iter::once(Ok(PhotoSource::Stdin)));
        }
        if path.is_dir() {
            return or_none(name, "no photo lies in it", in_folder(path));
        }
        if !path.exists() && !is_address(&path) && name.contains(['*', '?', '[']) {
            // Ignore case: cameras write `.JPG`.
            let options =
                glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::default() };
            return match glob::glob_with(&name, options) {
                Ok(paths) => {
                    let files = paths.filter_map(|path| match path {
                        Ok(path) if path.is_dir() => None,
                        Ok(path) => Some(Ok(PhotoSource::File(path))),
                        Err(error) => Some(Err(NoPhoto {
                            asked: error.path().to_string_lossy().into_owned(),
                            reason: error.error().to_string(),
                        })),
                    });
                    or_none(name, "no file is called so", files)
                }
                Err(error) => {
                    let reason = format!("not a pattern: {error}");
                    Box::new(std::iter::once(Err(NoPhoto { asked: name, reason })))
                }
            };
        }
        Box::new(std::iter::once(Ok(PhotoSource::File(path))))
    })
}

fn in_folder(folder: PathBuf) -> impl Iterator<Item = Result<PhotoSource, NoPhoto>> {
    // Include photos of unsupported formats: an error row is better than nothing.
    let is_photo =
        |path: &Path| is_called_like_photo(path) || begins_like_photo(&beginning(path)).is_some();
    // As in `prepare`: follow links, skip hidden and system entries.
    let is_shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || left_out(&entry.file_name().to_string_lossy()).is_none()
    };
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    entries.filter_entry(is_shown).filter_map(move |entry| match entry {
        Ok(entry) if !entry.file_type().is_dir() && is_photo(entry.path()) => {
            Some(Ok(PhotoSource::File(entry.into_path())))
        }
        Ok(_) => None,
        // Reading the broken link reports the error.
        Err(error) if error.path().is_some_and(leads_nowhere) => {
            error.path().map(|path| Ok(PhotoSource::File(path.into())))
        }
        Err(error) => {
            let asked =
                error.path().map_or_else(String::new, |path| path.to_string_lossy().into_owned());
            let reason = match error.io_error() {
                Some(refused) => format!("cannot be read: {refused}"),
                None => error.to_string(),
            };
            Some(Err(NoPhoto { asked, reason }))
        }
    })
}

/// Whether a path is a broken link that is named like a photo.
fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && !path.exists() && is_called_like_photo(path)
}

/// Whether a name is a web address.
fn is_address(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    name.starts_with("http://") || name.starts_with("https://")
}

/// Returns `found`, or a single [`NoPhoto`] with `reason` if it is empty.
fn or_none(
    asked: String,
    reason: &'static str,
    found: impl Iterator<Item = Result<PhotoSource, NoPhoto>> + 'static,
) -> Box<dyn Iterator<Item = Result<PhotoSource, NoPhoto>>> {
    let mut found = found.peekable();
    match found.peek() {
        Some(_) => Box::new(found),
        None => Box::new(std::iter::once(Err(NoPhoto { asked, reason: reason.into() }))),
    }
}

/// Applies `make` to the sources on all cores, `at_once` at a time. No more results than that are
/// in memory.
///
/// # Panics
///
/// When `at_once` is 0.
pub fn in_parallel<S: Send + Sync, T: Send>(
    mut sources: impl Iterator<Item = S>,
    at_once: usize,
    make: impl Fn(&S) -> T + Sync,
) -> impl Iterator<Item = Vec<(S, T)>> {
    assert!(at_once > 0, "something at a time");
    std::iter::from_fn(move || {
        let chunk: Vec<S> = sources.by_ref().take(at_once).collect();
        let made: Vec<(S, T)> = chunk
            .into_par_iter()
            .map(|source| {
                let made = make(&source);
                (source, made)
            })
            .collect();
        (!made.is_empty()).then_some(made)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, asked: &[&str]) -> Vec<String> {
        let asked = asked
            .iter()
            .map(|name| if *name == "-" { "-".into() } else { folder.join(name) })
            .collect();
        let short = |name: String| {
            name.strip_prefix(&*folder.to_string_lossy()).map_or(name.clone(), |s| s[1..].into())
        };
        photo_sources(asked)
            .map(|source| match source {
                Ok(source) => short(source.to_string()),
                Err(none) => format!("{}: {}", short(none.asked), none.reason),
            })
            .collect()
    }

    #[test]
    fn files_folders_and_patterns_lead_to_photos_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        std::fs::create_dir_all(here.join("photos/b/deep")).unwrap();
        std::fs::create_dir(here.join("empty")).unwrap();
        for name in [
            "photos/2.JPG",
            "photos/1.png",
            "photos/b/deep/3.webp",
            "photos/notes.txt",
            "odd[1].jpg",
        ] {
            std::fs::write(here.join(name), "").unwrap();
        }
        assert_eq!(
            names(here, &["photos"]),
            ["photos/1.png", "photos/2.JPG", "photos/b/deep/3.webp"]
        );
        std::fs::write(
            here.join("photos/b/no ending"),
            b"\xff\xd8\xff\xe0 and so on, as JPEG begins",
        )
        .unwrap();
        assert_eq!(names(here, &["photos/b"]), ["photos/b/deep/3.webp", "photos/b/no ending"]);
        assert_eq!(names(here, &["photos/*.png", "-"]), ["photos/1.png", "-"]);
        assert_eq!(names(here, &["photos/*.jpg"]), ["photos/2.JPG"]);
        // A file whose name looks like a pattern is a file.
        assert_eq!(names(here, &["odd[1].jpg"]), ["odd[1].jpg"]);
        assert_eq!(names(here, &["gone.jpg"]), ["gone.jpg"]);
        assert_eq!(names(here, &["empty", "x*.jpg", "photos/[.jpg"]).len(), 3);
        assert!(names(here, &["empty"])[0].contains("no photo lies in it"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_a_row_and_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["pipe.jpg", "pipe"] {
            nix::unistd::mkfifo(&at(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        std::os::unix::fs::symlink("/dev/zero", at("endless.png")).unwrap();
        std::os::unix::fs::symlink("gone.jpg", at("astray.jpg")).unwrap();
        let said: Vec<String> = photo_sources(vec![dir.path().into()])
            .map(|source| source.unwrap().read().unwrap_err().to_string())
            .collect();
        assert_eq!(said.len(), 3, "{said:?}");
        for (said, end) in said.iter().zip([
            "astray.jpg: it is a link that leads nowhere",
            "endless.png: it is a device, not a file",
            "pipe.jpg: it is a pipe, not a file",
        ]) {
            assert!(said.ends_with(end), "{said}");
        }
    }

    #[test]
    fn an_address_is_not_fetched() {
        let asked = vec!["https://example.org/dog.jpg?size=2".into()];
        let source = photo_sources(asked).next().unwrap().unwrap();
        let said = source.read().unwrap_err().to_string();
        assert!(said.contains("nothing is fetched"), "{said}");
    }

    #[test]
    fn no_more_than_a_few_are_in_memory_and_their_order_stays() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        let sources = (0..1000).inspect(|_| {
            TAKEN.fetch_add(1, Ordering::SeqCst);
        });
        let mut seen = 0;
        for chunk in in_parallel(sources, 7, |n| n * 2) {
            for (source, made) in chunk {
                assert_eq!((source, made), (seen, 2 * seen));
                seen += 1;
            }
            assert!(TAKEN.load(Ordering::SeqCst) <= seen);
        }
        assert_eq!(seen, 1000);
    }
}
