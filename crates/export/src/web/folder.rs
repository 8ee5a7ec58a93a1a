//! Recognises a folder that Kennel wrote for browsers, and replaces it.
//!
//! `SHA256SUMS` in it lists every file. A folder is Kennel's if all its files are listed and none
//! was changed; any other may hold somebody's work, and stays.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use kennel_core::{CoreError, files};

use crate::{ExportError, Result};

const SUMS: &str = "SHA256SUMS";
/// Most files of a folder that is looked through. Kennel writes a dozen.
const MAX_FILES: usize = 1000;

/// Checks that a folder for browsers can be written here.
///
/// # Errors
///
/// [`ExportError::InTheWay`] when a file or a link is here, or a folder with anything that Kennel
/// did not write or that was changed since.
pub fn check_web_folder(folder: &Path) -> Result<()> {
    let in_the_way = |what, path: &Path| Err(ExportError::InTheWay { what, path: path.into() });
    match folder.symlink_metadata() {
        // `.` and `..` cannot be renamed.
        _ if folder.file_name().is_none() => return in_the_way("a folder without a name", folder),
        Err(_) => return Ok(()),
        // Its folder would stay behind.
        Ok(found) if found.is_symlink() => return in_the_way("a link", folder),
        Ok(found) if !found.is_dir() => return in_the_way("a file", folder),
        Ok(_) => {}
    }
    let found = files_of(folder)?;
    if found.is_empty() {
        return Ok(());
    }
    if !found.iter().any(|name| name == SUMS) {
        return in_the_way("a folder that is not empty", folder);
    }
    let sums = files::read_text(&folder.join(SUMS))?;
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .filter_map(|line| line.split_once("  ").map(|(digest, name)| (name, digest)))
        .collect();
    for name in found.iter().filter(|name| *name != SUMS) {
        let path = folder.join(name);
        match sums.get(name.as_str()) {
            None => return in_the_way("a file that Kennel did not write", &path),
            Some(digest) if *digest != files::sha256_file(&path)? => {
                return in_the_way("a file that was changed since Kennel wrote it", &path);
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Writes the digests of all files of a folder into it.
pub fn sum(folder: &Path) -> Result<()> {
    let mut text = String::new();
    for name in files_of(folder)? {
        let digest = files::sha256_file(&folder.join(&name))?;
        writeln!(text, "{digest}  {name}").expect("a string takes everything");
    }
    Ok(files::write_atomically(&folder.join(SUMS), text.as_bytes())?)
}

/// Gives `draft` the name `folder`. What [`check_web_folder`] allows there moves to `old`, and back
/// if that fails.
pub fn swap(draft: &Path, folder: &Path, old: &Path) -> Result<()> {
    let is_there = folder.is_dir();
    if is_there {
        std::fs::rename(folder, old).map_err(CoreError::io("replace", folder))?;
    }
    let named = std::fs::rename(draft, folder).map_err(CoreError::io("write", folder));
    if named.is_err() && is_there {
        std::fs::rename(old, folder).map_err(CoreError::io("put back", folder))?;
    }
    Ok(named?)
}

/// Size of all files of a folder.
pub fn size_bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for name in files_of(folder)? {
        let path = folder.join(name);
        sum += std::fs::metadata(&path).map_err(CoreError::io("read", &path))?.len();
    }
    Ok(sum)
}

/// Names of everything below a folder but folders, with `/`, sorted.
fn files_of(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        let failed = || CoreError::io("read", &inner);
        for entry in std::fs::read_dir(&inner).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if entry.file_type().map_err(failed())?.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                names.push(files::with_slashes(path.strip_prefix(folder).unwrap_or(&path)));
            }
            if names.len() + folders.len() > MAX_FILES {
                let (what, path) = ("a folder with many files", folder.into());
                return Err(ExportError::InTheWay { what, path });
            }
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a folder as an export does, and returns it with what surrounds it.
    fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("web");
        write(dir.path(), text);
        (dir, folder)
    }

    fn write(dir: &Path, text: &str) {
        let scratch = tempfile::tempdir_in(dir).unwrap();
        let draft = scratch.path().join("web");
        std::fs::create_dir_all(draft.join("ort")).unwrap();
        std::fs::write(draft.join("index.html"), text).unwrap();
        std::fs::write(draft.join("ort/ort.js"), "").unwrap();
        sum(&draft).unwrap();
        check_web_folder(&dir.join("web")).unwrap();
        swap(&draft, &dir.join("web"), &scratch.path().join("old")).unwrap();
    }

    #[test]
    fn a_folder_of_ours_is_replaced_and_nothing_stays_beside_it() {
        let (dir, folder) = written("first");
        write(dir.path(), "second");
        assert_eq!(std::fs::read_to_string(folder.join("index.html")).unwrap(), "second");
        assert_eq!(files_of(&folder).unwrap(), [SUMS, "index.html", "ort/ort.js"]);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
        // A file that was deleted is no work of anybody's.
        std::fs::remove_file(folder.join("ort/ort.js")).unwrap();
        check_web_folder(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        write(dir.path(), "into an empty folder");
    }

    #[test]
    fn whatever_is_not_ours_stays() {
        let refused = |folder: &Path, named: &str, why: &str| {
            let said = check_web_folder(folder).unwrap_err().to_string();
            assert!(said.contains(named) && said.contains(why), "{said}");
        };
        let (_dir, folder) = written("page");
        std::fs::write(folder.join("CNAME"), "dogs.example").unwrap();
        refused(&folder, "CNAME", "did not write");
        let (_dir, folder) = written("page");
        std::fs::write(folder.join("index.html"), "my page").unwrap();
        refused(&folder, "index.html", "changed");
        let (_dir, folder) = written("page");
        std::fs::remove_file(folder.join(SUMS)).unwrap();
        refused(&folder, "web", "not empty");
        let (_dir, folder) = written("page");
        refused(&folder.join("index.html"), "index.html", "a file");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_folder_of_ours() {
        let (dir, folder) = written("page");
        std::os::unix::fs::symlink("/etc/hostname", folder.join("link")).unwrap();
        assert!(check_web_folder(&folder).unwrap_err().to_string().contains("link"));
        let dangling = dir.path().join("dangling");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        assert!(check_web_folder(&dangling).unwrap_err().to_string().contains("a link"));
        assert!(check_web_folder(Path::new(".")).unwrap_err().to_string().contains("a name"));
    }
}
