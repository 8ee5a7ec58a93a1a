//! Packages from a registry that is right, wrong and absent.

mod common;

use std::io::Write;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::{Reply, Server, client, files_of, quick};
use kennel_core::Task;
use kennel_fetch::npm::{Package, Registry, package_files};
use kennel_fetch::{Client, ClientConfig, FetchError};
use sha2::{Digest as _, Sha512};

/// A package as npm packs it, and its integrity.
fn package() -> (Vec<u8>, String) {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in [("package/package.json", "{}"), ("package/dist/a.mjs", "export {}")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let bytes = gzip.finish().unwrap();
    let integrity = format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(&bytes)));
    (bytes, integrity)
}

/// Fetches files of the package from a registry that answers with `served`.
fn fetch<const N: usize>(
    client: &Client,
    server: &Server,
    cache: &Path,
    names: [&str; N],
) -> Result<[Vec<u8>; N], FetchError> {
    let (bytes, integrity) = package();
    let size = bytes.len() as u64;
    let package = Package { name: "small", version: "1.2.3", size, integrity: &integrity };
    let registry = Registry { cache: cache.into(), endpoint: server.url("") };
    package_files(client, &registry, &package, names, Task::unwatched())
}

fn serving(bytes: Vec<u8>) -> Server {
    Server::start(move |_, request| match request.path.as_str() {
        "/small/-/small-1.2.3.tgz" => Reply::file(request, &bytes, "\"v1\""),
        _ => Reply::status(404),
    })
}

#[test]
fn a_package_is_fetched_once_and_then_needs_no_network() {
    let cache = tempfile::tempdir().unwrap();
    let server = serving(package().0);
    let names = ["dist/a.mjs", "package.json"];
    let found = fetch(&client(), &server, cache.path(), names).unwrap();
    assert_eq!(found, [b"export {}".to_vec(), b"{}".to_vec()]);
    let offline = Client::new(ClientConfig { offline: true, ..quick() });
    assert_eq!(fetch(&offline, &server, cache.path(), names).unwrap(), found);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(files_of(cache.path()).keys().collect::<Vec<_>>(), ["small-1.2.3.tgz"]);

    let error = fetch(&client(), &server, cache.path(), ["dist/b.mjs"]).unwrap_err();
    assert!(error.to_string().contains("has no `dist/b.mjs`"), "{error}");
}

#[test]
fn a_download_that_breaks_off_resumes() {
    let cache = tempfile::tempdir().unwrap();
    let (bytes, half) = (package().0, package().0.len() / 2);
    let server = Server::start(move |number, request| match number {
        0 => Reply::file(request, &bytes, "\"v1\"").cut(half),
        _ => Reply::file(request, &bytes, "\"v1\""),
    });
    fetch(&client(), &server, cache.path(), ["package.json"]).unwrap();
    assert_eq!(server.ranges(), [None, Some(half)]);
}

#[test]
fn other_bytes_are_refused_and_not_kept() {
    let cache = tempfile::tempdir().unwrap();
    let mut other = package().0;
    *other.last_mut().unwrap() ^= 1;
    let error = fetch(&client(), &serving(other.clone()), cache.path(), []).unwrap_err();
    assert!(matches!(error, FetchError::Digest { algorithm: "SHA-512", .. }), "{error}");
    assert_eq!(files_of(cache.path()).len(), 0);
    // Nor are they taken from the cache.
    std::fs::write(cache.path().join("small-1.2.3.tgz"), other).unwrap();
    let good = serving(package().0);
    assert!(fetch(&client(), &good, cache.path(), ["package.json"]).is_ok());
}

#[test]
fn without_a_network_the_cache_must_have_it() {
    let cache = tempfile::tempdir().unwrap();
    let offline = Client::new(ClientConfig { offline: true, ..quick() });
    let server = serving(package().0);
    let error = fetch(&offline, &server, cache.path(), []).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error}");
    assert_eq!(server.requests().len(), 0);
}
