//! `SHA256SUMS`: the digests of a run's files, and the rename that commits changes to several of
//! them at once.
//!
//! 1. Write the new versions under hidden names, `.next-<name>`.
//! 2. Write `SHA256SUMS` with their digests and rename it into place.
//! 3. Rename the new versions into place.
//!
//! A process that ends before step 2 has changed nothing. After step 2 the new versions are
//! committed: readers find them under either name, and the next process that locks the run finishes
//! step 3. So the files of a run always belong together, and every read checks the digest.
//! `sha256sum -c SHA256SUMS` checks them too.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::{
    AutoRecord, CoreError, LearningCurveRecord, Result, SearchRecord, files, read_bounded,
};

/// File name in a run directory.
pub(crate) const FILE_NAME: &str = "SHA256SUMS";
/// Prefix of the next version of a file.
const NEXT: &str = ".next-";
/// Largest `SHA256SUMS` that is read, in bytes.
const MAX_SUMS_BYTES: u64 = 1 << 20;
/// Largest file of a run that is read, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 30;
/// Files of a run that carry a digest. Runs of earlier versions of Kennel have no `SHA256SUMS`; for
/// them, these files are hashed before the first change.
const KNOWN: [&str; 15] = [
    "config.toml",
    "manifest.json",
    "metrics.jsonl",
    "checkpoints/best.safetensors",
    "checkpoints/last.safetensors",
    "checkpoints/last.state.safetensors",
    "checkpoints/unknown.safetensors",
    "predictions/train.jsonl",
    "predictions/val.jsonl",
    "predictions/test.jsonl",
    "predictions/out_of_fold.jsonl",
    AutoRecord::FILE_NAME,
    LearningCurveRecord::FILE_NAME,
    SearchRecord::FILE_NAME,
    EVALUATION,
];
/// A run that has this file is finished.
const EVALUATION: &str = "evaluation.json";
/// Files and folders that are computed from the network of a finished run. They carry no digest: a
/// run without them is the same run. They leave with `evaluation.json`, because the network may
/// then change.
const DERIVED: [&str; 3] = [HEAT_MAPS, PHOTO_FEATURES, PHOTO_MAP];
pub(crate) const HEAT_MAPS: &str = "heat_maps";
pub(crate) const PHOTO_FEATURES: &str = "photo_features.safetensors";
pub(crate) const PHOTO_MAP: &str = "photo_map.json";

/// Digests by file name. Names are relative to the run directory, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, String>);

impl Sums {
    /// Reads the digests of a run. Returns `None` when it has no `SHA256SUMS`.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(FILE_NAME);
        let bytes = match read_bounded(&path, MAX_SUMS_BYTES) {
            Err(CoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            read => read?,
        };
        let text = files::as_text(bytes, &path)?;
        let malformed =
            |line: &str| CoreError::MalformedSums { path: path.clone(), line: line.into() };
        if !text.ends_with('\n') {
            return Err(malformed(text.lines().last().unwrap_or_default()));
        }
        let mut sums = BTreeMap::new();
        for line in text.split_terminator('\n') {
            let parsed = line.split_once("  ").filter(|(digest, name)| {
                let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                digest.len() == 64 && digest.bytes().all(is_hex) && KNOWN.contains(name)
            });
            let (digest, name) = parsed.ok_or_else(|| malformed(line))?;
            sums.insert(name.to_string(), digest.to_string());
        }
        Ok(Some(Sums(sums)))
    }

    /// Computes the digests of the files that exist.
    fn of_files(root: &Path) -> Result<Self> {
        let is_there = |name: &&&str| root.join(name).is_file();
        let sum = |name: &&str| Ok((name.to_string(), files::sha256_file(&root.join(name))?));
        Ok(Sums(KNOWN.iter().filter(is_there).map(sum).collect::<Result<_>>()?))
    }

    fn write(&self, root: &Path) -> Result<()> {
        files::write_atomically_with(&root.join(FILE_NAME), |file| {
            self.0.iter().try_for_each(|(name, digest)| writeln!(file, "{digest}  {name}"))
        })
    }

    /// Iterates over the listed names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Reads a file of a run and checks its digest, if the run has digests.
///
/// # Errors
///
/// [`CoreError::Damaged`] when the digest differs from `SHA256SUMS` or the file is not listed
/// there; [`CoreError::Io`].
pub(crate) fn read(root: &Path, name: &str) -> Result<Vec<u8>> {
    let path = root.join(name);
    let mut sums = Sums::read(root)?;
    loop {
        let Some(Sums(known)) = &sums else { return read_bounded(&path, MAX_FILE_BYTES) };
        let damaged = |found: String| CoreError::Damaged {
            path: path.clone(),
            found,
            sums: root.join(FILE_NAME),
        };
        let expected =
            known.get(name).ok_or_else(|| damaged("a digest that is not listed".into()))?;
        // Try the `.next-` name first: the process that trains the run may rename it at any moment.
        let next = read_bounded(&next_of(&path), MAX_FILE_BYTES);
        if let Some(bytes) = next.ok().filter(|bytes| files::sha256_bytes(bytes) == *expected) {
            return Ok(bytes);
        }
        let bytes = read_bounded(&path, MAX_FILE_BYTES)?;
        let found = files::sha256_bytes(&bytes);
        if found == *expected {
            return Ok(bytes);
        }
        // The process that trains the run may have changed both files in between.
        let now = Sums::read(root)?;
        if now == sums {
            return Err(damaged(format!("SHA-256 {found}")));
        }
        sums = now;
    }
}

/// New versions of some of a run's files, committed together.
#[derive(Debug)]
pub struct Changes {
    root: PathBuf,
    sums: Sums,
    /// In the order in which they are renamed.
    written: Vec<PathBuf>,
    reopens: bool,
}

impl Changes {
    /// Begins to change the files of a run. The caller must own the run.
    ///
    /// # Errors
    ///
    /// A damaged `SHA256SUMS`; without one, a file of the run that cannot be read.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let sums = Sums::read(root)?.map_or_else(|| Sums::of_files(root), Ok)?;
        Ok(Self { root: root.into(), sums, written: Vec::new(), reopens: false })
    }

    /// Passes `write` the path where it must write the next version of a file of the run.
    ///
    /// # Errors
    ///
    /// Errors of `write`; a written file that cannot be read back.
    ///
    /// # Panics
    ///
    /// When `path` is not a file of the run that carries a digest.
    pub fn write<E: From<CoreError>>(
        &mut self,
        path: &Path,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = path.strip_prefix(&self.root).map(files::with_slashes).unwrap_or_default();
        assert!(KNOWN.contains(&name.as_str()), "{} is no file of a run", path.display());
        let next = next_of(path);
        self.written.push(path.into());
        write(&next)?;
        self.sums.0.insert(name, files::sha256_file(&next)?);
        Ok(())
    }

    /// Removes `evaluation.json` and what is derived on commit: the run is no longer finished.
    pub fn reopen(&mut self) {
        self.reopens = self.sums.0.remove(EVALUATION).is_some();
    }

    /// Commits all changes, or none.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`].
    pub fn commit(mut self) -> Result<()> {
        self.sums.write(&self.root)?;
        // The changes are committed here. If a rename below fails, the next owner of the run
        // finishes it.
        for path in std::mem::take(&mut self.written) {
            name_next(&path)?;
        }
        if self.reopens {
            remove(&self.root.join(EVALUATION))?;
            remove_derived(&self.root)?;
        }
        Ok(())
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        for path in &self.written {
            // If this fails, the next process that locks the run removes the file.
            let _ = fs::remove_file(next_of(path));
        }
    }
}

/// Finishes the committed changes of a process that was killed. With `clears`, also removes its
/// uncommitted files; only a process that holds the lock may pass `true`.
///
/// # Errors
///
/// A damaged `SHA256SUMS`; [`CoreError::Io`].
pub(crate) fn recover(root: &Path, clears: bool) -> Result<()> {
    let sums = Sums::read(root)?;
    for name in KNOWN {
        let path = root.join(name);
        let next = next_of(&path);
        if !next.is_file() {
            continue;
        }
        let expected = sums.as_ref().and_then(|sums| sums.0.get(name));
        if expected.is_some() && expected == Some(&files::sha256_file(&next)?) {
            name_next(&path)?;
        } else if clears {
            remove(&next)?;
        }
    }
    // The run was reopened: `evaluation.json` is no longer listed.
    if sums.is_some_and(|Sums(sums)| !sums.contains_key(EVALUATION)) {
        let evaluation = root.join(EVALUATION);
        if evaluation.exists() {
            remove(&evaluation)?;
        }
        remove_derived(root)?;
    }
    Ok(())
}

/// Whether a file name is that of a next version.
pub(crate) fn is_next(name: &str) -> bool {
    name.starts_with(NEXT)
}

/// Returns the path of a file's next version, before it is renamed into place.
pub(crate) fn next_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{NEXT}{name}"))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(CoreError::io("remove", path))
}

fn remove_derived(root: &Path) -> Result<()> {
    for name in DERIVED {
        let path = root.join(name);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(CoreError::io("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn name_next(path: &Path) -> Result<()> {
    fs::rename(next_of(path), path).map_err(CoreError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hinted;

    fn change(root: &Path, files: &[(&str, &[u8])]) -> Changes {
        let mut changes = Changes::of(root).unwrap();
        for (name, bytes) in files {
            let written =
                changes.write(&root.join(name), |path| files::write_atomically(path, bytes));
            written.unwrap();
        }
        changes
    }

    fn run() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("checkpoints")).unwrap();
        change(dir.path(), &[("metrics.jsonl", b"1"), ("config.toml", b"a")]).commit().unwrap();
        dir
    }

    #[test]
    fn changes_take_effect_together_and_not_before() {
        let dir = run();
        let root = dir.path();
        let dropped = change(root, &[("metrics.jsonl", b"2")]);
        assert_eq!(read(root, "metrics.jsonl").unwrap(), b"1");
        drop(dropped);
        let killed = change(root, &[("metrics.jsonl", b"2")]);
        std::mem::forget(killed);
        assert_eq!(read(root, "metrics.jsonl").unwrap(), b"1");
        recover(root, true).unwrap();
        assert!(!next_of(&root.join("metrics.jsonl")).exists());
        assert_eq!(read(root, "metrics.jsonl").unwrap(), b"1");

        // Killed between steps 2 and 3.
        let mut killed =
            change(root, &[("metrics.jsonl", b"3"), ("checkpoints/best.safetensors", b"w")]);
        killed.sums.write(root).unwrap();
        killed.written.clear();
        drop(killed);
        assert_eq!(fs::read(root.join("metrics.jsonl")).unwrap(), b"1");
        assert_eq!(read(root, "metrics.jsonl").unwrap(), b"3");
        recover(root, true).unwrap();
        assert_eq!(fs::read(root.join("metrics.jsonl")).unwrap(), b"3");
        assert_eq!(read(root, "checkpoints/best.safetensors").unwrap(), b"w");
    }

    #[test]
    fn a_finished_run_that_is_opened_again_is_never_half_open() {
        let dir = run();
        let root = dir.path();
        let evaluation = root.join(EVALUATION);
        let draw = || {
            fs::create_dir_all(root.join("heat_maps/test")).unwrap();
            fs::write(root.join("heat_maps/test/cat.jpg.png"), b"a picture").unwrap();
            fs::write(root.join(PHOTO_MAP), b"{}").unwrap();
        };
        change(root, &[(EVALUATION, b"{}")]).commit().unwrap();
        draw();
        recover(root, true).unwrap();
        assert!(root.join(HEAT_MAPS).exists(), "of a finished run");
        let mut changes = change(root, &[("config.toml", b"b")]);
        changes.reopen();
        // Killed after `SHA256SUMS` was written.
        changes.sums.write(root).unwrap();
        std::mem::forget(changes);
        assert!(evaluation.exists());
        recover(root, true).unwrap();
        assert!(!evaluation.exists() && !root.join(HEAT_MAPS).exists());
        assert_eq!(read(root, "config.toml").unwrap(), b"b");
        change(root, &[(EVALUATION, b"{}")]).commit().unwrap();
        draw();
        let mut changes = Changes::of(root).unwrap();
        changes.reopen();
        changes.commit().unwrap();
        assert!(!evaluation.exists() && !root.join(HEAT_MAPS).exists());
    }

    #[test]
    fn no_flipped_bit_of_a_file_or_of_the_list_is_read() {
        let dir = run();
        for (changed, read_name) in [("config.toml", "config.toml"), (FILE_NAME, "metrics.jsonl")] {
            let path = dir.path().join(changed);
            let whole = fs::read(&path).unwrap();
            let line = whole.len() / 2..whole.len();
            let places = if changed == FILE_NAME { line } else { 0..whole.len() };
            for bit in places.flat_map(|byte| (0..8).map(move |bit| 8 * byte + bit)) {
                let mut flipped = whole.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, &flipped).unwrap();
                assert!(read(dir.path(), read_name).is_err(), "bit {bit} of {changed}");
            }
            fs::write(&path, &whole).unwrap();
        }
        assert_eq!(read(dir.path(), "config.toml").unwrap(), b"a");
    }

    #[test]
    fn a_run_of_an_earlier_version_is_read_and_gets_its_digests_with_the_next_change() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config.toml"), b"old").unwrap();
        assert_eq!(read(dir.path(), "config.toml").unwrap(), b"old");
        change(dir.path(), &[("metrics.jsonl", b"1")]).commit().unwrap();
        fs::write(dir.path().join("config.toml"), b"new").unwrap();
        let error = read(dir.path(), "config.toml").unwrap_err();
        assert!(error.to_string().contains("SHA256SUMS"), "{error}");
        assert_eq!(
            error.hints(),
            [crate::Hint::RestoreOrTrain { sums: dir.path().join(FILE_NAME) }]
        );
    }
}
