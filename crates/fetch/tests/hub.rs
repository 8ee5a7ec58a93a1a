//! `fetch_model` from a test hub.

mod common;

use std::path::{Path, PathBuf};

use common::{Reply, Request, Server, client, files_of, noise};
use kennel_core::files::sha256_bytes;
use kennel_core::hint::Access;
use kennel_core::{Hint, Hinted, Task};
use kennel_fetch::FetchError;
use kennel_fetch::hub::{HubConfig, fetch_model};

const REPO: &str = "timm/tiny.a1_in1k";
const FILES: [&str; 2] = ["config.json", "model.safetensors"];
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NEWER: &str = "89abcdef0123456789abcdef0123456789abcdef";
/// `printf '{"architecture": "tiny"}' | git hash-object --stdin`
const CONFIG: &[u8] = br#"{"architecture": "tiny"}"#;
const CONFIG_ID: &str = "2746c7f71724a5df07716d41a13df7c6ce6bab27";

fn weights() -> Vec<u8> {
    noise(80_000, 5)
}

/// Replies like huggingface.co: weights are redirected to another host name.
fn answer(request: &Request) -> Reply {
    let weights = weights();
    let at =
        |file: &str, revision: &str| request.path == format!("/{REPO}/resolve/{revision}/{file}");
    if request.path == "/cdn/weights" {
        return Reply::file(request, &weights, "\"cdn\"");
    }
    for revision in ["main", COMMIT] {
        if at("config.json", revision) {
            let etag = format!("\"{CONFIG_ID}\"");
            return Reply::file(request, CONFIG, &etag).with("X-Repo-Commit", COMMIT);
        }
        if at("model.safetensors", revision) {
            let port = request.header("host").unwrap().split(':').nth(1).unwrap();
            return Reply::redirect(format!("http://localhost:{port}/cdn/weights"))
                .with("X-Repo-Commit", COMMIT)
                .with("X-Linked-Etag", format!("\"{}\"", sha256_bytes(&weights)))
                .with("X-Linked-Size", weights.len())
                .with("ETag", "\"of the redirection\"");
        }
    }
    Reply::status(404)
}

struct Case {
    server: Server,
    cache: tempfile::TempDir,
}

impl Case {
    fn new(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self { server: Server::start(answer), cache: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> HubConfig {
        let endpoint = self.server.url("");
        HubConfig { cache: self.cache.path().into(), endpoint, token: None, offline: false }
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("models--timm--tiny.a1_in1k")
    }

    fn run_with(&self, config: &HubConfig) -> Result<PathBuf, FetchError> {
        fetch_model(&client(), config, REPO, "main", &FILES, Task::unwatched())
    }

    fn run(&self) -> Result<PathBuf, FetchError> {
        self.run_with(&self.config())
    }
}

#[test]
fn the_cache_has_the_layout_of_huggingface_hub() {
    let case = Case::new(|_, request| answer(request));
    let snapshot = case.run().unwrap();
    assert_eq!(snapshot, case.folder().join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read(snapshot.join("config.json")).unwrap(), CONFIG);
    assert_eq!(std::fs::read(snapshot.join("model.safetensors")).unwrap(), weights());
    assert_eq!(std::fs::read_to_string(case.folder().join("refs/main")).unwrap(), COMMIT);
    let blobs: Vec<String> = files_of(&case.folder().join("blobs")).into_keys().collect();
    let mut expected = [CONFIG_ID.to_string(), sha256_bytes(&weights())];
    expected.sort();
    assert_eq!(blobs, expected);
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(snapshot.join("config.json")).unwrap(),
        Path::new("../../blobs").join(CONFIG_ID)
    );
    let locks: Vec<String> = files_of(&case.cache.path().join(".locks")).into_keys().collect();
    assert!(locks.contains(&format!("models--timm--tiny.a1_in1k/{CONFIG_ID}.lock")), "{locks:?}");
    // Only the first request names the revision, the others its commit; a second call makes no
    // request.
    let asked = case.server.requests();
    assert_eq!(asked.iter().filter(|request| request.path.contains("/main/")).count(), 1);
    case.run().unwrap();
    assert_eq!(case.server.requests().len(), asked.len());
}

#[test]
fn the_token_goes_to_the_hub_and_to_no_other_host() {
    let case = Case::new(|_, request| match request.header("authorization") {
        None if !request.path.starts_with("/cdn") => Reply::status(401),
        _ => answer(request),
    });
    let error = case.run().unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
    assert_eq!(error.hints(), [Hint::Access(Access::SetToken)]);
    case.run_with(&HubConfig { token: Some("hf_secret".into()), ..case.config() }).unwrap();
    for request in &case.server.requests()[1..] {
        let expected = (!request.path.starts_with("/cdn")).then_some("Bearer hf_secret");
        assert_eq!(request.header("authorization"), expected, "{}", request.path);
    }
    let gated = Case::new(|_, _| Reply::status(403));
    let token = HubConfig { token: Some("hf_secret".into()), ..gated.config() };
    let error = gated.run_with(&token).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hf_secret"), "{error}");
    assert_eq!(error.hints(), [Hint::Access(Access::AcceptConditions)]);
}

#[test]
fn what_is_not_there_is_said_at_once() {
    let case = Case::new(|_, _| Reply::status(404));
    let error = case.run().unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    assert_eq!(error.hints(), [Hint::Access(Access::CheckName)]);
    assert_eq!(case.server.requests().len(), 1);
    assert!(!case.folder().join("refs").exists());
}

#[test]
fn a_download_that_was_cut_goes_on_with_what_lies_there() {
    let case = Case::new(|_, request| answer(request));
    let incomplete = case.folder().join(format!("blobs/{}.incomplete", sha256_bytes(&weights())));
    std::fs::create_dir_all(incomplete.parent().unwrap()).unwrap();
    std::fs::write(&incomplete, &weights()[..30_000]).unwrap();
    case.run().unwrap();
    assert!(!incomplete.exists());
    let ranges: Vec<_> = case.server.ranges().into_iter().flatten().collect();
    assert!(!ranges.is_empty() && ranges.iter().all(|&from| from == 30_000), "{ranges:?}");
    // Bytes of another file are detected, and the file is fetched again.
    let case = Case::new(|_, request| answer(request));
    let incomplete = case.folder().join(format!("blobs/{}.incomplete", sha256_bytes(&weights())));
    std::fs::create_dir_all(incomplete.parent().unwrap()).unwrap();
    std::fs::write(&incomplete, noise(30_000, 9)).unwrap();
    let snapshot = case.run().unwrap();
    assert_eq!(std::fs::read(snapshot.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn wrong_bytes_never_get_a_blobs_name() {
    for wrong in ["/cdn/weights", "/resolve/0123456789abcdef0123456789abcdef01234567/config.json"] {
        let case = Case::new(move |_, request| {
            let mut reply = answer(request);
            if request.path.ends_with(wrong) && request.method == "GET" {
                reply.body[3] ^= 1;
            }
            reply
        });
        let error = case.run().unwrap_err();
        assert!(matches!(error, FetchError::Digest { .. }), "{wrong}: {error}");
        assert!(!case.folder().join("refs/main").exists());
        let snapshot = case.folder().join("snapshots").join(COMMIT);
        assert!(!FILES.iter().all(|file| snapshot.join(file).exists()));
    }
}

#[test]
fn a_server_that_is_no_hub_is_said_to_be_none() {
    for (missing, word) in
        [("X-Repo-Commit", "X-Repo-Commit"), ("ETag", "ETag"), ("Content-Length", "how large")]
    {
        let case = Case::new(move |_, request| answer(request).without(missing));
        let error = case.run().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert!(matches!(&error.hints()[..], [Hint::CheckHub { .. }]), "{error:?}");
    }
    for etag in ["\"../../evil\"", "\"abc\"", "\"\""] {
        let case = Case::new(move |_, request| answer(request).with("ETag", etag));
        let error = case.run().unwrap_err().to_string();
        assert!(error.contains("is no digest"), "{error}");
    }
}

#[test]
fn a_newer_commit_moves_the_branch_and_shares_the_blobs() {
    let case = Case::new(|_, request| answer(request));
    case.run().unwrap();
    // As if Python had fetched an older commit: the blobs of the new commit are cached already.
    let old = case.folder().join("snapshots").join(NEWER);
    std::fs::create_dir_all(&old).unwrap();
    std::fs::write(case.folder().join("refs/main"), NEWER).unwrap();
    std::fs::remove_dir_all(case.folder().join("snapshots").join(COMMIT)).unwrap();
    let before = case.server.requests().len();
    case.run().unwrap();
    assert_eq!(std::fs::read_to_string(case.folder().join("refs/main")).unwrap(), COMMIT);
    assert!(case.server.requests()[before..].iter().all(|request| request.method == "HEAD"));
    assert!(old.exists());
}

#[test]
fn what_the_cache_has_needs_no_network_and_what_it_lacks_is_named() {
    let case = Case::new(|_, request| answer(request));
    let offline = HubConfig { offline: true, ..case.config() };
    let error = case.run_with(&offline).unwrap_err();
    assert!(error.to_string().contains(REPO), "{error}");
    assert!(matches!(&error.hints()[..], [Hint::CopyFrom(_)]), "{error:?}");
    assert!(case.server.requests().is_empty());
    let snapshot = case.run().unwrap();
    assert_eq!(case.run_with(&offline).unwrap(), snapshot);
    let by_commit =
        fetch_model(&client(), &offline, REPO, COMMIT, &FILES, Task::unwatched()).unwrap();
    assert_eq!(by_commit, snapshot);
}
