//! Fetches models from the Hugging Face hub into the cache that Python's `huggingface_hub` uses.
//!
//! The layout is that of `huggingface_hub` 2.4:
//!
//! ```text
//! <cache>/models--timm--resnet50.a1_in1k/refs/main                   the commit
//!                                        blobs/<etag>                the bytes
//!                                        snapshots/<commit>/<file>   a link to ../../blobs/<etag>
//! <cache>/.locks/models--timm--resnet50.a1_in1k/<etag>.lock
//! ```
//!
//! A blob is named by its digest, SHA-256 or git's. It gets this name only after the digest is
//! verified.
//!
//! Differs: uses what is in the cache without asking the hub for a newer commit, so that a run
//! gives the same result with and without a network; refuses a file whose name on the hub is not a
//! digest.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kennel_archive::stay_inside;
use kennel_core::task::Event;
use kennel_core::{Hint, Task, files, hub_cache};

use crate::body::Limits;
use crate::client::Client;
use crate::download::{Job, beside};
use crate::error::{FetchError, Result};
use crate::lock::acquire_and_leave;
use crate::message::Remote;
use crate::variables::text;
use crate::verify::Digest;

/// Largest file that is fetched, in bytes. The largest of timm's weights have 10 GB.
const MAX_BYTES: u64 = 32 << 30;

/// The hub's address, and where its files are cached.
#[derive(Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Folder of all repositories.
    pub cache: PathBuf,
    /// Address of the hub, without a slash at the end.
    pub endpoint: String,
    /// Access token. Sent only to the endpoint's host.
    pub token: Option<String>,
    /// If true, no requests are made.
    pub offline: bool,
}

impl std::fmt::Debug for HubConfig {
    /// Hides the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubConfig")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("offline", &self.offline)
            .finish()
    }
}

impl HubConfig {
    /// Reads the environment as `huggingface_hub` does: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`,
    /// `HF_HOME`, `XDG_CACHE_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_TOKEN`, `HF_TOKEN_PATH`,
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoCache`] when no variable names the cache and there is no home folder.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|variable| std::env::var_os(variable), std::env::home_dir().as_deref())
    }

    /// As [`HubConfig::from_env`], with the given variables and home folder.
    ///
    /// # Errors
    ///
    /// As [`HubConfig::from_env`].
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
        home: Option<&Path>,
    ) -> Result<Self> {
        let text = |name: &str| text(&variable, name);
        let is_on = |name: &str| is_on(variable(name));
        let token_file = || {
            let path = text("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| {
                hub_cache::home_folder_of(&variable, home).map(|folder| folder.join("token"))
            })?;
            // A token is optional: users need not be logged in.
            let token = std::fs::read_to_string(path).ok()?;
            Some(token.trim().to_string()).filter(|token| !token.is_empty())
        };
        let token = match is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            true => None,
            false => text("HF_TOKEN").or_else(token_file),
        };
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        Ok(Self {
            cache: hub_cache::hub_folder_of(&variable, home).ok_or(FetchError::NoCache)?,
            endpoint: endpoint.trim_end_matches('/').into(),
            token,
            offline: is_on("HF_HUB_OFFLINE"),
        })
    }
}

/// Whether `HF_HUB_OFFLINE` forbids requests.
pub fn is_offline_by_env() -> bool {
    is_on(std::env::var_os("HF_HUB_OFFLINE"))
}

/// Whether a variable has one of the values that `huggingface_hub` reads as true.
fn is_on(value: Option<OsString>) -> bool {
    let value = value.and_then(|value| value.into_string().ok()).unwrap_or_default();
    ["1", "ON", "YES", "TRUE"].contains(&value.trim().to_uppercase().as_str())
}

/// Fetches `files` of a model repository, for example `timm/resnet50.a1_in1k` at `main`, and
/// returns the folder that contains them. Downloads only what the cache lacks, whether Kennel or
/// Python filled it, and makes no request when it has all files. All files come from one commit.
///
/// # Errors
///
/// - [`FetchError::Offline`] when the network is off and the cache lacks a file
/// - [`FetchError::Refused`] for a repository that does not exist, is private or gated; the hint
///   names `HF_TOKEN`
/// - [`FetchError::Digest`] when the bytes do not match the hub's digest
/// - [`FetchError::NotAHub`] when the server does not answer like a hub
/// - other network errors
pub fn fetch_model(
    client: &Client,
    config: &HubConfig,
    repo: &str,
    revision: &str,
    files: &[&str],
    task: Task<'_>,
) -> Result<PathBuf> {
    check_names(repo, revision, files)?;
    let folder = hub_cache::repo_folder(&config.cache, repo);
    if let Some(snapshot) = hub_cache::snapshot(&folder, revision, files) {
        return Ok(snapshot);
    }
    if config.offline || client.config().offline {
        return Err(FetchError::Offline {
            what: format!("{repo} ({})", files.join(", ")),
            hint: Hint::CopyFrom(folder),
        });
    }
    // The first answer tells the commit of the revision; the other files are requested at that
    // commit.
    let mut commit = hub_cache::is_commit(revision).then(|| revision.to_string());
    for file in files {
        let at = commit.as_deref().unwrap_or(revision);
        let found = Metadata::ask(client, config, repo, at, file, task)?;
        let commit = commit.get_or_insert(found.commit.clone());
        let snapshot = folder.join("snapshots").join(commit);
        place(client, config, repo, file, &snapshot, &found, task)?;
    }
    let commit = commit.unwrap_or_else(|| revision.into());
    if commit != revision {
        let path = folder.join("refs").join(revision);
        files::create_dir_all(files::folder_of(&path))?;
        files::write_atomically(&path, commit.as_bytes())?;
    }
    Ok(folder.join("snapshots").join(commit))
}

/// What the hub tells about a file.
struct Metadata {
    /// Its address at a fixed commit.
    remote: Remote,
    commit: String,
    etag: String,
    digest: Digest,
    size: u64,
}

impl Metadata {
    fn ask(
        client: &Client,
        config: &HubConfig,
        repo: &str,
        revision: &str,
        file: &str,
        task: Task<'_>,
    ) -> Result<Self> {
        let url_at = |revision: &str| {
            let revision = revision.replace('/', "%2F");
            format!("{}/{repo}/resolve/{revision}/{file}", config.endpoint)
        };
        let remote = Remote { url: url_at(revision), token: config.token.clone() };
        let answer = client.head(&remote, task)?;
        let not_a_hub = |reason: String| FetchError::NotAHub {
            url: (&remote.url).into(),
            endpoint: (&config.endpoint).into(),
            reason,
        };
        let first_said = |name: &str| {
            let mut heads = answer.on_the_way.iter().chain([&answer.headers]);
            heads.find_map(|headers| headers.get(name)?.to_str().ok()).map(str::trim)
        };
        let commit = first_said("X-Repo-Commit").filter(|commit| hub_cache::is_commit(commit));
        let commit = commit
            .ok_or_else(|| not_a_hub("the answer has no X-Repo-Commit with a commit".into()))?;
        let etag = first_said("X-Linked-Etag").or_else(|| answer.header("ETag"));
        let etag = etag.ok_or_else(|| not_a_hub("the answer has no ETag".into()))?;
        let etag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_string();
        let is_hex =
            etag.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let digest = match etag.len() {
            64 if is_hex => Digest::Sha256(etag.clone()),
            40 if is_hex => Digest::GitBlob(etag.clone()),
            _ => {
                return Err(not_a_hub(format!(
                    "the ETag `{etag}` is no digest, so that nothing can be checked"
                )));
            }
        };
        let size = first_said("X-Linked-Size").or_else(|| answer.header("Content-Length"));
        let size = size.and_then(|size| size.parse().ok());
        let size =
            size.ok_or_else(|| not_a_hub("the answer does not say how large the file is".into()))?;
        let remote = Remote { url: url_at(commit), token: config.token.clone() };
        Ok(Self { commit: commit.into(), etag, digest, size, remote })
    }
}

/// Puts a file into the snapshot, from the blobs or from the network.
fn place(
    client: &Client,
    config: &HubConfig,
    repo: &str,
    file: &str,
    snapshot: &Path,
    found: &Metadata,
    task: Task<'_>,
) -> Result<()> {
    let pointer = snapshot.join(file);
    if pointer.is_file() {
        return Ok(());
    }
    let blobs = hub_cache::repo_folder(&config.cache, repo).join("blobs");
    let locks = config.cache.join(".locks").join(hub_cache::repo_folder_name(repo));
    for folder in [&blobs, &locks, files::folder_of(&pointer)] {
        files::create_dir_all(folder)?;
    }
    task.tell(Event::File { name: file });
    let _lock = acquire_and_leave(&locks.join(format!("{}.lock", found.etag)), task)?;
    let blob = blobs.join(&found.etag);
    if !blob.is_file() {
        let job = Job {
            remote: found.remote.clone(),
            part: beside(&blob, ".incomplete"),
            sidecar: None,
            target: blob.clone(),
            limits: Limits { size: Some(found.size), max_bytes: MAX_BYTES, digest_follows: true },
            digest: Some(found.digest.clone()),
        };
        job.run(client, task)?;
    }
    let up = "../".repeat(file.split('/').count() + 1);
    link_or_move(&format!("{up}blobs/{}", found.etag), &blob, &pointer)
}

/// Makes a relative link. If the system does not allow one, moves the file itself, as
/// `huggingface_hub` does.
fn link_or_move(relative: &str, blob: &Path, pointer: &Path) -> Result<()> {
    if pointer.is_file() {
        return Ok(());
    }
    // At most a broken link is removed here.
    let _ = std::fs::remove_file(pointer);
    if symlink(relative, pointer).is_ok() {
        return Ok(());
    }
    std::fs::rename(blob, pointer).map_err(FetchError::io("create", pointer))
}

#[cfg(unix)]
fn symlink(to: &str, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn symlink(to: &str, at: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(to.replace('/', "\\"), at)
}

/// Checks names against the hub's rules, because they become paths and addresses.
fn check_names(repo: &str, revision: &str, names: &[&str]) -> Result<()> {
    let is_plain = |part: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty()
            && part.bytes().all(is_known)
            && !part.starts_with('.')
            && !part.contains("..")
    };
    let is_path =
        |name: &str| name.split('/').all(is_plain) && stay_inside(Path::new(name)).is_some();
    let bad = |what, name: &str, example| FetchError::BadName { what, name: name.into(), example };
    if repo.split('/').count() != 2 || !repo.split('/').all(is_plain) || repo.contains("--") {
        return Err(bad("repository", repo, "timm/resnet50.a1_in1k"));
    }
    if !is_path(revision) {
        return Err(bad("revision", revision, "main"));
    }
    match names.iter().find(|name| !is_path(name)) {
        Some(name) => Err(bad("file", name, "model.safetensors")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::Hinted;

    use super::*;

    #[test]
    fn names_that_would_leave_the_cache_are_refused() {
        assert!(
            check_names("timm/resnet50.a1_in1k", "main", &["config.json", "onnx/model.onnx"])
                .is_ok()
        );
        assert!(check_names("timm/resnet50.a1_in1k", "refs/pr/1", &[]).is_ok());
        for (repo, revision, file) in [
            ("../x", "main", "f"),
            ("timm", "main", "f"),
            ("timm/a--b", "main", "f"),
            ("timm/a/b", "main", "f"),
            ("timm/a b", "main", "f"),
            ("timm/a", "../../x", "f"),
            ("timm/a", "", "f"),
            ("timm/a", "main", "/etc/passwd"),
            ("timm/a", "main", "a/../../f"),
            ("timm/a", "main", "a?b"),
        ] {
            let hints = check_names(repo, revision, &[file]).unwrap_err().hints();
            assert!(matches!(hints.as_slice(), [Hint::Example(_)]), "{hints:?}");
        }
    }

    #[test]
    fn the_environment_says_what_it_says_to_python() {
        let home = tempfile::tempdir().unwrap();
        let config = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            HubConfig::from_variables(variable, Some(home.path())).unwrap()
        };
        let plain = config(&[]);
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert_eq!((plain.cache, plain.token), (home.path().join(".cache/huggingface/hub"), None));
        for (value, offline) in
            [("1", true), ("on", true), ("Yes", true), ("TRUE", true), ("0", false), ("", false)]
        {
            assert_eq!(config(&[("HF_HUB_OFFLINE", value)]).offline, offline, "{value}");
        }
        assert_eq!(config(&[("HF_ENDPOINT", "http://mirror/")]).endpoint, "http://mirror");
        std::fs::create_dir_all(home.path().join(".cache/huggingface")).unwrap();
        std::fs::write(home.path().join(".cache/huggingface/token"), "hf_file\n").unwrap();
        std::fs::write(home.path().join("mine"), "hf_mine").unwrap();
        let mine = home.path().join("mine").display().to_string();
        assert_eq!(config(&[]).token.as_deref(), Some("hf_file"));
        assert_eq!(config(&[("HF_TOKEN_PATH", &mine)]).token.as_deref(), Some("hf_mine"));
        assert_eq!(config(&[("HF_TOKEN", " hf_env ")]).token.as_deref(), Some("hf_env"));
        assert_eq!(
            config(&[("HF_TOKEN", "x"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).token,
            None
        );
        assert!(!format!("{:?}", config(&[("HF_TOKEN", "hf_secret")])).contains("hf_secret"));
    }
}
