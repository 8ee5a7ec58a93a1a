//! `kennel prepare`: turns a source into a checked and divided folder. The new tree is built beside
//! the output and renamed into place, so the output is either complete or unchanged. The source is
//! only read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kennel_core::{Lock, Manifest, Task, files};
use rayon::prelude::*;

use crate::added::check_is_folder;
use crate::assemble::{Assembled, Paths, Purpose, assemble};
use crate::dataset::part_of_prepared;
use crate::error::{DataError, Result};
use crate::options::PrepareOptions;
use crate::staging::Staging;
use crate::tables::Tables;
use crate::unlisted::unlisted;

/// What happened to the output folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Created,
    /// It was up to date; nothing was written.
    Unchanged,
    /// An earlier output of Kennel was replaced.
    Replaced,
}

/// The result of [`prepare`].
#[derive(Clone, Debug)]
pub struct Prepared {
    /// As written to `<out>/manifest.json`.
    pub manifest: Manifest,
    /// What happened to the output folder.
    pub outcome: Outcome,
}

/// Scans `source` (a folder or a tar), and writes `<out>/manifest.json` and
/// `<out>/{train,val,test}/<class>/<file>`. The same source and options give the same bytes. Only
/// one process at a time writes to an output. Added folders are only read, too.
///
/// # Errors
///
/// - Those of [`scan`].
/// - The output overlaps the source or an added folder, is not Kennel's, or cannot be written.
/// - Another process prepares the output, or reads it while it would be replaced.
/// - A class has no training photos.
/// - A table of groups or labels that cannot be used.
/// - [`DataError::Stopped`] once the task is stopped.
///
/// After an error, the output is as it was.
pub fn prepare(
    source: &Path,
    out: &Path,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Prepared> {
    options.fractions.check()?;
    if !source.exists() {
        return Err(DataError::NotFound { path: source.into() });
    }
    for added in options.added {
        check_is_folder(added)?;
    }
    for folder in [source].into_iter().chain(options.added.iter().map(PathBuf::as_path)) {
        if let Some(part) = part_of_prepared(folder) {
            return Err(part);
        }
        check_apart(folder, out)?;
    }
    // Reject foreign output folders before creating anything. Look again after taking the staging
    // lock: another process may have changed the output.
    Before::look(out)?;
    let (named, out) = (out, &files::place_of(out)?);
    let staging = Staging::beside(out)?;
    let before = Before::look(out)?;

    let tables = Tables::read(options)?;
    let scan = tables.scan(source, options, staging.path(), task)?;
    scan.check_train(source)?;
    let Assembled { manifest, files } =
        assemble(&scan, source, options, &tables, Paths::Tree, Purpose::Training)?;
    if let Before::Ours(old) = &before
        && **old == manifest
        && is_whole(out, old)
        && (options.link || !is_linked(out, old))
    {
        task.check()?;
        return Ok(Prepared { manifest, outcome: Outcome::Unchanged });
    }

    // Keep new readers out until the new photos are in place.
    let lock = match &before {
        Before::Ours(_) => Some(
            Lock::try_acquire_existing(&out.join(Manifest::FILE_NAME))
                .map_err(DataError::io("read", out))?
                .ok_or_else(|| DataError::OutputBeingRead { path: named.into() })?,
        ),
        _ => None,
    };
    // Unpacked files are temporary, so link them instead of copying them.
    let link = |file: &Path| options.link || scan.is_unpacked(file);
    let tree = staging.tree();
    write_tree(&tree, &manifest, &files, link, task)?;
    task.check()?;
    // Windows cannot move a folder with an open file, so release the lock there.
    let lock = lock.filter(|_| cfg!(not(windows)));
    let outcome = swap(&staging, out, &before)?;
    drop(lock);
    Ok(Prepared { manifest, outcome })
}

/// What exists at the output path.
enum Before {
    Nothing,
    EmptyFolder,
    Ours(Box<Manifest>),
}

impl Before {
    fn look(out: &Path) -> Result<Self> {
        let not_ours = || DataError::OutputNotOurs { path: out.into() };
        match std::fs::symlink_metadata(out) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Before::Nothing);
            }
            Err(error) => return Err(DataError::io("read", out)(error)),
            // Do not follow a link: replacing it would orphan its target.
            Ok(metadata) if !metadata.is_dir() => return Err(not_ours()),
            Ok(_) => {}
        }
        let mut entries = std::fs::read_dir(out).map_err(DataError::io("read", out))?;
        if entries.next().is_none() {
            return Ok(Before::EmptyFolder);
        }
        let path = out.join(Manifest::FILE_NAME);
        if !path.is_file() {
            return Err(not_ours());
        }
        let manifest = Manifest::read(&path).map_err(|_| not_ours())?;
        match unlisted(out, &manifest)?.into_iter().next() {
            Some(extra) => Err(DataError::OutputHasMore { path: out.into(), extra }),
            None => Ok(Before::Ours(Box::new(manifest))),
        }
    }
}

/// Checks that neither path contains the other: an output in the source would become part of it,
/// and an output around the source would replace it.
fn check_apart(source: &Path, out: &Path) -> Result<()> {
    let source_place = source.canonicalize().map_err(DataError::io("read", source))?;
    let out_place = files::place_of(out)?;
    if out_place.starts_with(&source_place) || source_place.starts_with(&out_place) {
        return Err(DataError::OutputInsideSource { out: out.into(), source_dir: source.into() });
    }
    Ok(())
}

/// Whether any photo of the manifest is a hard link. An output with links is out of date for a user
/// who asks for copies.
fn is_linked(out: &Path, manifest: &Manifest) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let links =
            |path: &str| std::fs::metadata(out.join(path)).map_or(1, |metadata| metadata.nlink());
        manifest.photos.iter().any(|photo| links(&photo.path) > 1)
    }
    #[cfg(not(unix))]
    {
        let _ = (out, manifest);
        false
    }
}

/// Whether every photo of the manifest exists with its recorded SHA-256.
fn is_whole(out: &Path, manifest: &Manifest) -> bool {
    manifest.photos.par_iter().all(|photo| {
        files::sha256_file(&out.join(&photo.path)).is_ok_and(|digest| digest == photo.sha256)
    })
}

fn write_tree(
    tree: &Path,
    manifest: &Manifest,
    sources: &[PathBuf],
    link: impl Fn(&Path) -> bool + Sync,
    task: Task<'_>,
) -> Result<()> {
    std::fs::create_dir(tree).map_err(DataError::io("create", tree))?;
    let folders: HashSet<PathBuf> = manifest
        .photos
        .iter()
        .filter_map(|photo| Some(tree.join(Path::new(&photo.path).parent()?)))
        .collect();
    for folder in folders {
        std::fs::create_dir_all(&folder).map_err(DataError::io("create", &folder))?;
    }
    manifest.photos.par_iter().zip(sources).try_for_each(|(photo, source)| {
        task.check()?;
        let target = tree.join(&photo.path);
        if link(source) {
            // Resolve symbolic links: a hard link to one would depend on its target.
            let source = source.canonicalize().map_err(DataError::io("read", source))?;
            std::fs::hard_link(&source, &target).map_err(|error| DataError::Link {
                path: source,
                to: target.clone(),
                source: error,
            })?;
        } else {
            reflink_copy::reflink_or_copy(source, &target)
                .map_err(DataError::io("copy", source))?;
        }
        // The copy must have the bytes that were decoded.
        if files::sha256_file(&target)? != photo.sha256 {
            return Err(DataError::SourceChanged { path: source.clone() });
        }
        Ok(())
    })?;
    manifest.write(&tree.join(Manifest::FILE_NAME))?;
    Ok(())
}

/// Renames the tree into place. An old output moves aside first, and back if that fails.
fn swap(staging: &Staging, out: &Path, before: &Before) -> Result<Outcome> {
    let tree = staging.tree();
    match before {
        Before::Nothing => {
            std::fs::rename(tree, out).map_err(DataError::io("write", out))?;
            Ok(Outcome::Created)
        }
        Before::EmptyFolder => {
            std::fs::remove_dir(out).map_err(DataError::io("replace", out))?;
            std::fs::rename(tree, out).map_err(DataError::io("write", out))?;
            Ok(Outcome::Created)
        }
        Before::Ours(_) => {
            let old = staging.old();
            std::fs::rename(out, &old).map_err(DataError::io("replace", out))?;
            if let Err(error) = std::fs::rename(tree, out) {
                std::fs::rename(&old, out).map_err(DataError::io("put back", &old))?;
                return Err(DataError::io("write", out)(error));
            }
            Ok(Outcome::Replaced)
        }
    }
}
