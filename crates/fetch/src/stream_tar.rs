//! Unpacks a tar while downloading it, without storing it on disk. Resumes after a broken
//! connection and after a kill.
//!
//! Next to the target folder are `<into>.partial/tree/` and `<into>.partial/state.json`. The state
//! holds how far the stream was read, to the boundary of an entry, and the state of the SHA-256
//! there. A new request begins at that point. A server without range requests sends everything; the
//! part that was read before is then compared by its digest.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use kennel_archive::{TarBounds, TarError, TarReader, TarUsed};
use kennel_core::{Hint, Task, files};
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};

use crate::body::{Body, Limits, Piece, ResumePoint};
use crate::client::Client;
use crate::download::{Outcome, beside};
use crate::error::{FetchError, Result};
use crate::lock::{acquire, tidy};
use crate::message::Remote;

/// A tar on a server, and which of its files to write.
#[derive(Clone, Copy)]
pub struct TarSource<'a> {
    /// Address of the tar.
    pub url: &'a str,
    /// Size in bytes, if known.
    pub size: Option<u64>,
    /// SHA-256, if known.
    pub sha256: Option<&'a str>,
    /// Limit on the bytes received, and on the size of all its files together.
    pub max_bytes: u64,
    /// Chooses the files to write.
    pub keep: &'a dyn Fn(&Path) -> bool,
    /// Names the choice of `keep`. A partial download with another choice is not resumed.
    pub choice: &'a str,
    /// Checks the folder before it gets its final name. A folder that fails is deleted.
    pub check: &'a dyn Fn(&Path) -> Result<()>,
}

/// Result of [`stream_tar`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Whether anything was fetched.
    pub outcome: Outcome,
    /// The written files, in the tar's order; empty when the folder already existed.
    pub files: Vec<WrittenFile>,
}

/// A file unpacked from a tar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// Writes the chosen files of a tar to the folder `into`. The folder appears once all of them are
/// written and the whole tar was read and verified. A folder that exists and is not empty is used
/// as it is. Processes that fetch the same folder wait for each other.
///
/// # Errors
///
/// - [`FetchError::UnsafeArchive`] for entries that lead outside, links and others that must not be
///   unpacked, and for too many or too large entries
/// - [`FetchError::DamagedArchive`] for a tar without its end mark
/// - [`FetchError::Digest`] for a tar with the wrong digest
/// - [`FetchError::Changing`] when the tar on the server changed twice
/// - [`FetchError::Length`] for a tar with the wrong size
/// - [`FetchError::TooLarge`] when the server announces more than `max_bytes`
/// - errors of `check`
/// - other network errors, and errors of the file system
///
/// After the last group, and after [`FetchError::Stopped`], a later call resumes. After the others
/// nothing is kept.
pub fn stream_tar(
    client: &Client,
    source: &TarSource<'_>,
    into: &Path,
    task: Task<'_>,
) -> Result<Streamed> {
    let already = Streamed { outcome: Outcome::AlreadyThere, files: Vec::new() };
    let lock = beside(into, ".lock");
    if has_entries(into) {
        tidy(&lock, &[&beside(into, ".partial")], task);
        return Ok(already);
    }
    let what = into.display().to_string();
    client.check_online(&what, Hint::FetchOtherwise { url: source.url.into(), unpack: true })?;
    files::create_dir_all(files::folder_of(into))?;
    let _lock = acquire(&lock, task)?;
    if has_entries(into) {
        return Ok(already);
    }
    let work = Work::new(into, source);
    let mut changes = 0;
    loop {
        match work.run(client, task) {
            Ok(files) => return Ok(Streamed { outcome: Outcome::Fetched, files }),
            Err(Ended::Changed) if changes > 0 => {
                work.forget()?;
                return Err(FetchError::Changing { url: source.url.into() });
            }
            Err(Ended::Changed) => {
                work.forget()?;
                changes += 1;
            }
            Err(Ended::Failed(error)) => {
                if !matches!(
                    error,
                    FetchError::Stopped { .. }
                        | FetchError::Unreachable { .. }
                        | FetchError::Refused { .. }
                        | FetchError::Redirect { .. }
                        | FetchError::Core(_)
                ) {
                    work.forget()?;
                }
                return Err(error);
            }
        }
    }
}

fn has_entries(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Why an attempt ended without the folder.
enum Ended {
    /// The partial download belongs to another file than the one on the server: start over.
    Changed,
    Failed(FetchError),
}

impl<E: Into<FetchError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Ended::Failed(error.into())
    }
}

/// How far the stream was read. Saved as `state.json`.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    url: String,
    choice: String,
    validator: Option<String>,
    total: Option<u64>,
    /// Where the next header begins.
    offset: u64,
    /// SHA-256 state over the bytes before `offset`.
    sha256_state: String,
    entries: u64,
    bytes: u64,
    written: Vec<WrittenFile>,
}

struct Work<'a> {
    source: &'a TarSource<'a>,
    into: &'a Path,
    partial: PathBuf,
    tree: PathBuf,
    state: PathBuf,
}

impl<'a> Work<'a> {
    fn new(into: &'a Path, source: &'a TarSource<'a>) -> Self {
        let partial = beside(into, ".partial");
        let (tree, state) = (partial.join("tree"), partial.join("state.json"));
        Self { source, into, partial, tree, state }
    }

    fn run(&self, client: &Client, task: Task<'_>) -> Result<Vec<WrittenFile>, Ended> {
        let TarSource { url, size, sha256, max_bytes, .. } = *self.source;
        let before = self.read_state().filter(|(state, _)| state.offset <= max_bytes);
        if before.is_none() {
            self.forget()?;
        }
        let went_on = before.is_some();
        files::create_dir_all(&self.tree)?;
        let (mut state, hasher) = before.unwrap_or_else(|| (self.new_state(), Sha256::new()));

        let from = ResumePoint {
            offset: state.offset,
            validator: state.validator.clone(),
            total: state.total,
        };
        let limits = Limits { size, max_bytes, digest_follows: sha256.is_some() };
        let remote = Remote { url: url.into(), token: None };
        let failure = Rc::new(RefCell::new(None));
        let stream = HashedBody {
            body: Body::new(client, remote, limits, from, task),
            hasher,
            position: state.offset,
            failure: failure.clone(),
        };
        let bounds = TarBounds {
            max_entries: 1_000_000,
            max_file_bytes: max_bytes,
            max_total_bytes: max_bytes,
        };
        let used = TarUsed { entries: state.entries, bytes: state.bytes };
        let mut tar = TarReader::resume(stream, bounds, used);
        if let Err(error) = self.write_entries(&mut tar, &mut state) {
            // Save the position after any error; the caller deletes the state if it must not be
            // kept.
            if state.offset > 0 {
                files::write_json(&self.state, &state)?;
            } else {
                // Nothing was received. If this fails, the next call uses what is left.
                let _ = self.forget();
            }
            return Err(failure.take().unwrap_or_else(|| self.of_tar(error)));
        }
        if !tar.has_end() {
            return Err(self.damaged("it has no end mark").into());
        }
        let mut stream = tar.into_inner();
        let drained = io::copy(&mut stream, &mut io::sink());
        if let Err(error) = drained {
            files::write_json(&self.state, &state)?;
            return Err(failure.take().unwrap_or_else(|| self.damaged(&error.to_string()).into()));
        }
        let found = files::hex(&stream.hasher.finalize());
        if let Some(expected) = sha256.filter(|expected| !expected.eq_ignore_ascii_case(&found)) {
            return Err(match went_on {
                true => Ended::Changed,
                false => {
                    let (url, expected) = (url.into(), expected.into());
                    FetchError::Digest { url, algorithm: "SHA-256", expected, found }.into()
                }
            });
        }
        // A power cut may have lost files that the state lists.
        if went_on && !state.written.iter().all(|file| self.is_whole(file)) {
            return Err(Ended::Changed);
        }
        (self.source.check)(&self.tree)?;
        // An empty folder may exist here, and not every system renames over one.
        let _ = std::fs::remove_dir(self.into);
        std::fs::rename(&self.tree, self.into).map_err(FetchError::io("create", self.into))?;
        self.forget()?;
        Ok(state.written)
    }

    fn write_entries(
        &self,
        tar: &mut TarReader<HashedBody<'_>>,
        state: &mut State,
    ) -> Result<(), EntryError> {
        let mut saver = Saver::default();
        while let Some(entry) = tar.next_entry()? {
            if (self.source.keep)(&entry.path) {
                let path = self.tree.join(&entry.path);
                files::create_dir_all(files::folder_of(&path))?;
                let mut file = HashedFile {
                    file: File::create(&path).map_err(FetchError::io("create", &path))?,
                    hasher: Sha256::new(),
                };
                tar.copy_entry(&mut file).map_err(|error| match error {
                    TarError::Write(source) => FetchError::io("write", &path)(source).into(),
                    error => EntryError::Tar(error),
                })?;
                state.written.push(WrittenFile {
                    path: files::with_slashes(&entry.path),
                    size: entry.size,
                    sha256: files::hex(&file.hasher.finalize()),
                });
            }
            tar.finish_entry()?;
            let stream = tar.get_ref();
            state.offset = stream.position;
            state.validator = stream.body.validator().map(String::from);
            state.total = stream.body.total();
            state.sha256_state = files::hex(&stream.hasher.serialize());
            (state.entries, state.bytes) = (tar.used().entries, tar.used().bytes);
            saver.save(|| files::write_json(&self.state, state))?;
        }
        Ok(())
    }

    fn new_state(&self) -> State {
        State {
            url: self.source.url.into(),
            choice: self.source.choice.into(),
            validator: None,
            total: self.source.size,
            offset: 0,
            sha256_state: String::new(),
            entries: 0,
            bytes: 0,
            written: Vec::new(),
        }
    }

    /// Reads the state of an earlier process, if it is valid and belongs to this source and choice.
    fn read_state(&self) -> Option<(State, Sha256)> {
        let state: State = serde_json::from_slice(&std::fs::read(&self.state).ok()?).ok()?;
        let is_ours = state.url == self.source.url && state.choice == self.source.choice;
        let bytes = from_hex(&state.sha256_state)?;
        let bytes = SerializedState::<Sha256>::try_from(bytes.as_slice()).ok()?;
        let hasher = Sha256::deserialize(&bytes).ok()?;
        is_ours.then_some((state, hasher))
    }

    fn is_whole(&self, file: &WrittenFile) -> bool {
        let path = self.tree.join(&file.path);
        files::sha256_file(&path).is_ok_and(|sha256| sha256 == file.sha256)
    }

    fn of_tar(&self, error: EntryError) -> Ended {
        match error {
            EntryError::Other(error) => Ended::Failed(error),
            EntryError::Tar(TarError::Refused { entry, reason }) => {
                FetchError::UnsafeArchive { url: self.source.url.into(), entry, reason }.into()
            }
            EntryError::Tar(error) => self.damaged(&error.to_string()).into(),
        }
    }

    fn damaged(&self, reason: &str) -> FetchError {
        FetchError::DamagedArchive { url: self.source.url.into(), reason: reason.into() }
    }

    fn forget(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FetchError::io("remove", &self.partial)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Errors of reading or writing an entry.
enum EntryError {
    Tar(TarError),
    Other(FetchError),
}

impl From<TarError> for EntryError {
    fn from(error: TarError) -> Self {
        EntryError::Tar(error)
    }
}

impl<E: Into<FetchError>> From<E> for EntryError {
    fn from(error: E) -> Self {
        EntryError::Other(error.into())
    }
}

/// The bytes of the tar as one stream, across reconnects, with their digest.
struct HashedBody<'a> {
    body: Body<'a>,
    hasher: Sha256,
    position: u64,
    /// The actual error, which a `std::io::Error` cannot carry.
    failure: Rc<RefCell<Option<Ended>>>,
}

impl HashedBody<'_> {
    fn fail(&self, ended: Ended) -> io::Error {
        *self.failure.borrow_mut() = Some(ended);
        io::Error::other("the stream failed")
    }

    /// Reads again the bytes that were read before a restart. Returns `false` when they differ.
    fn catch_up(&mut self) -> Result<bool> {
        let expected = self.hasher.clone().finalize();
        let mut hasher = Sha256::new();
        let mut left = self.position;
        let mut buffer = vec![0; 256 << 10];
        while left > 0 {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.body.next(&mut buffer[..wanted])? {
                Piece::Bytes(n) => {
                    hasher.update(&buffer[..n]);
                    left -= n as u64;
                }
                Piece::StartedOver => (hasher, left) = (Sha256::new(), self.position),
                Piece::End => return Ok(false),
            }
        }
        Ok(hasher.finalize() == expected)
    }
}

impl Read for HashedBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.body.next(buffer) {
                Ok(Piece::Bytes(n)) => {
                    self.hasher.update(&buffer[..n]);
                    self.position += n as u64;
                    return Ok(n);
                }
                Ok(Piece::End) => return Ok(0),
                Ok(Piece::StartedOver) => match self.catch_up() {
                    Ok(true) => {}
                    Ok(false) => return Err(self.fail(Ended::Changed)),
                    Err(error) => return Err(self.fail(error.into())),
                },
                Err(error) => return Err(self.fail(error.into())),
            }
        }
    }
}

struct HashedFile {
    file: File,
    hasher: Sha256,
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Limits saving to about a twentieth of the time: a state with 20,000 files is saved less often
/// than one with ten.
#[derive(Default)]
struct Saver {
    next: Option<Instant>,
}

impl Saver {
    fn save(&mut self, write: impl FnOnce() -> kennel_core::Result<()>) -> kennel_core::Result<()> {
        let begun = Instant::now();
        if self.next.is_some_and(|next| begun < next) {
            return Ok(());
        }
        write()?;
        self.next = Some(Instant::now() + (begun.elapsed() * 20).max(Duration::from_millis(50)));
        Ok(())
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 == 1 {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
