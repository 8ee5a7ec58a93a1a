//! Downloads one file: receives it beside its target, checks it, renames it into place.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kennel_core::{Hint, Task, files};
use serde::{Deserialize, Serialize};

use crate::body::{Body, Limits, Piece, ResumePoint};
use crate::client::Client;
use crate::error::{FetchError, Result};
use crate::lock::{acquire, tidy};
use crate::message::Remote;
use crate::verify::Digest;

/// What is known about a file before it is fetched.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256 in hexadecimal.
    pub sha256: Option<String>,
    /// SHA-512 as npm states it: `sha512-` and base64. Not asked beside `sha256`.
    pub integrity: Option<String>,
    /// Limit on the bytes received, whatever the server announces.
    pub max_bytes: u64,
}

impl Default for Expect {
    fn default() -> Self {
        Self { size: None, sha256: None, integrity: None, max_bytes: 16 << 30 }
    }
}

/// What a fetch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file was fetched.
    Fetched,
    /// It was already there; no request was made.
    AlreadyThere,
}

/// Fetches `url` to `target`, unless a matching file is there. Receives it in `<target>.part`,
/// which a later call resumes, also after a kill. `target` appears once its size and digest are
/// correct. Processes that fetch the same file wait for each other.
///
/// # Errors
///
/// Every network error in [`FetchError`]. After [`FetchError::Digest`], [`FetchError::Length`] and
/// [`FetchError::TooLarge`] nothing is kept; after the others the received part is kept.
pub fn download(
    client: &Client,
    url: &str,
    target: &Path,
    expect: &Expect,
    task: Task<'_>,
) -> Result<Outcome> {
    let digest = expect.sha256.clone().map(Digest::Sha256);
    let digest = digest.or_else(|| expect.integrity.clone().map(Digest::Integrity));
    let fits = || {
        let metadata = std::fs::metadata(target);
        metadata.is_ok_and(|found| {
            found.is_file()
                && expect.size.is_none_or(|size| size == found.len())
                && digest.as_ref().is_none_or(|digest| digest.check(target, url).is_ok())
        })
    };
    let (lock, sidecar) = (beside(target, ".lock"), beside(target, ".part.json"));
    if fits() {
        tidy(&lock, &[&sidecar], task);
        return Ok(Outcome::AlreadyThere);
    }
    let otherwise = Hint::FetchOtherwise { url: url.into(), unpack: false };
    client.check_online(&target.display().to_string(), otherwise)?;
    files::create_dir_all(files::folder_of(target))?;
    let _lock = acquire(&lock, task)?;
    if fits() {
        return Ok(Outcome::AlreadyThere);
    }
    let job = Job {
        remote: Remote { url: url.into(), token: None },
        part: beside(target, ".part"),
        sidecar: Some(sidecar),
        target: target.into(),
        limits: Limits {
            size: expect.size,
            max_bytes: expect.max_bytes,
            digest_follows: digest.is_some(),
        },
        digest,
    };
    job.run(client, task)?;
    Ok(Outcome::Fetched)
}

/// Appends `suffix` to the name of `path`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}

/// A file to fetch. The caller of `run` holds the lock.
pub(crate) struct Job {
    pub remote: Remote,
    pub part: PathBuf,
    /// Records which file the part belongs to. `None` when the name of the part already tells.
    pub sidecar: Option<PathBuf>,
    pub target: PathBuf,
    pub limits: Limits,
    pub digest: Option<Digest>,
}

/// Which file a part belongs to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sidecar {
    url: String,
    validator: Option<String>,
    total: Option<u64>,
}

impl Job {
    pub fn run(&self, client: &Client, task: Task<'_>) -> Result<()> {
        loop {
            let went_on = match self.receive(client, task) {
                Err(error @ (FetchError::Length { .. } | FetchError::TooLarge { .. })) => {
                    self.forget();
                    return Err(error);
                }
                received => received?,
            };
            match self
                .digest
                .as_ref()
                .map_or(Ok(()), |digest| digest.check(&self.part, &self.remote.url))
            {
                Ok(()) => break,
                Err(error) => {
                    self.forget();
                    // The resumed part may belong to another file, or a power cut may have damaged
                    // it: try once more from the start.
                    if !(went_on && matches!(error, FetchError::Digest { .. })) {
                        return Err(error);
                    }
                }
            }
        }
        let sync = || File::options().write(true).open(&self.part)?.sync_all();
        sync().map_err(FetchError::io("write", &self.part))?;
        std::fs::rename(&self.part, &self.target)
            .map_err(FetchError::io("create", &self.target))?;
        if let Some(sidecar) = &self.sidecar {
            // Harmless if it stays: its part is gone.
            let _ = std::fs::remove_file(sidecar);
        }
        Ok(())
    }

    /// Receives the whole body. Returns `true` when it resumed an existing part.
    fn receive(&self, client: &Client, task: Task<'_>) -> Result<bool> {
        let failed = || FetchError::io("write", &self.part);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.part)
            .map_err(failed())?;
        let from = self.resume_point(file.metadata().map_err(failed())?.len());
        let mut went_on = from.offset > 0;
        file.set_len(from.offset).map_err(failed())?;
        file.seek(SeekFrom::End(0)).map_err(failed())?;
        let mut body = Body::new(client, self.remote.clone(), self.limits, from, task);
        let mut buffer = vec![0; 256 << 10];
        let mut noted = None;
        loop {
            let piece = body.next(&mut buffer)?;
            let sidecar = Sidecar {
                url: (&self.remote.url).into(),
                validator: body.validator().map(String::from),
                total: body.total(),
            };
            match piece {
                Piece::Bytes(n) => {
                    if let Some(path) = &self.sidecar
                        && noted.as_ref() != Some(&sidecar)
                    {
                        files::write_json(path, &sidecar)?;
                        noted = Some(sidecar);
                    }
                    file.write_all(&buffer[..n]).map_err(failed())?;
                }
                Piece::StartedOver => {
                    went_on = false;
                    file.set_len(0).map_err(failed())?;
                    file.rewind().map_err(failed())?;
                }
                Piece::End => return Ok(went_on),
            }
        }
    }

    fn resume_point(&self, offset: u64) -> ResumePoint {
        let known = match &self.sidecar {
            None => Some((None, self.limits.size)),
            Some(path) => std::fs::read(path)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Sidecar>(&bytes).ok())
                .filter(|sidecar| sidecar.url == self.remote.url)
                .map(|sidecar| (sidecar.validator, sidecar.total)),
        };
        match known {
            Some((validator, total)) if total.is_none_or(|total| offset <= total) => {
                ResumePoint { offset, validator, total }
            }
            _ => ResumePoint::default(),
        }
    }

    fn forget(&self) {
        for path in [Some(&self.part), self.sidecar.as_ref()].into_iter().flatten() {
            // If this fails, the next attempt overwrites the file, or fails there.
            let _ = std::fs::remove_file(path);
        }
    }
}
