//! Fetches packages from the npm registry, each of one version and with a known digest.
//!
//! They are cached where `huggingface_hub` puts downloads of other libraries
//! (`cached_assets_path`), beside the weights:
//! `<HF_HOME>/assets/kennel/npm/onnxruntime-web-1.22.0.tgz`. So one folder holds everything that a
//! machine without a network needs.
//!
//! Asks the registry for no metadata: the digest in the source says which bytes are right.

use std::ffi::OsString;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kennel_archive::{TarBounds, TarError, TarReader, gunzip};
use kennel_core::task::Event;
use kennel_core::{Task, files, hub_cache};

use crate::client::Client;
use crate::download::{Expect, download};
use crate::error::{FetchError, Result};
use crate::variables::text;

/// npm's own registry.
const PUBLIC: &str = "https://registry.npmjs.org";

/// A registry, and where its packages are cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Folder of the packages.
    pub cache: PathBuf,
    /// Address of the registry, without a slash at the end.
    pub endpoint: String,
}

impl Registry {
    /// Reads the environment: `KENNEL_NPM_REGISTRY`, else `npm_config_registry` as npm does, names
    /// the registry; the cache lies where [`hub_cache::assets_folder_of`] says.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoCache`] when no variable names the cache and there is no home folder.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|variable| std::env::var_os(variable), std::env::home_dir().as_deref())
    }

    /// As [`Registry::from_env`], with the given variables and home folder.
    ///
    /// # Errors
    ///
    /// As [`Registry::from_env`].
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
        home: Option<&Path>,
    ) -> Result<Self> {
        let names = ["KENNEL_NPM_REGISTRY", "npm_config_registry", "NPM_CONFIG_REGISTRY"];
        let assets = hub_cache::assets_folder_of(&variable, home).ok_or(FetchError::NoCache)?;
        let endpoint = names.into_iter().find_map(|name| text(&variable, name));
        let endpoint = endpoint.as_deref().unwrap_or(PUBLIC).trim_end_matches('/');
        Ok(Self { cache: assets.join("kennel").join("npm"), endpoint: endpoint.into() })
    }

    /// Address of a package.
    pub fn url(&self, package: &Package<'_>) -> String {
        format!("{}/{}/-/{}", self.endpoint, package.name, package.file_name())
    }

    /// Where a package is cached.
    pub fn path(&self, package: &Package<'_>) -> PathBuf {
        self.cache.join(package.file_name())
    }
}

/// A version of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package<'a> {
    /// Name without a scope.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// Size of its tarball in bytes.
    pub size: u64,
    /// Digest of its tarball as the registry states it (`dist.integrity`): `sha512-` and base64.
    pub integrity: &'a str,
}

impl Package<'_> {
    fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }
}

/// Returns the contents of files of a package, in the order of `names`, which are paths in the
/// package: `dist/ort.min.mjs`. Downloads the package unless it is in the cache, and makes no
/// request otherwise.
///
/// # Errors
///
/// - [`FetchError::Offline`] when the network is off and the cache lacks the package
/// - [`FetchError::Digest`] when the bytes are others
/// - [`FetchError::DamagedArchive`] when the package is no archive, or lacks a file
/// - [`FetchError::UnsafeArchive`] for an archive that must not be unpacked
/// - other network errors
pub fn package_files<const N: usize>(
    client: &Client,
    registry: &Registry,
    package: &Package<'_>,
    names: [&str; N],
    task: Task<'_>,
) -> Result<[Vec<u8>; N]> {
    let (url, path) = (registry.url(package), registry.path(package));
    task.tell(Event::File { name: package.name });
    let expect = Expect {
        size: Some(package.size),
        integrity: Some(package.integrity.into()),
        max_bytes: package.size,
        ..Expect::default()
    };
    download(client, &url, &path, &expect, task)?;
    read_files(&path, &url, names)
}

/// Reads files of a package. npm puts all of them under `package/`.
fn read_files<const N: usize>(path: &Path, url: &str, names: [&str; N]) -> Result<[Vec<u8>; N]> {
    const BOUNDS: TarBounds =
        TarBounds { max_entries: 100_000, max_file_bytes: 1 << 28, max_total_bytes: 1 << 30 };
    let damaged = |reason: String| FetchError::DamagedArchive { url: url.into(), reason };
    let failed = |error| match error {
        TarError::Refused { entry, reason } => {
            FetchError::UnsafeArchive { url: url.into(), entry, reason }
        }
        error => damaged(error.to_string()),
    };
    let file = File::open(path).map_err(FetchError::io("read", path))?;
    let mut tar = TarReader::new(gunzip(BufReader::with_capacity(1 << 18, file)), BOUNDS);
    let mut found = [const { None }; N];
    while let Some(entry) = tar.next_entry().map_err(failed)? {
        let name = files::with_slashes(&entry.path);
        let name = name.strip_prefix("package/").unwrap_or(&name);
        if let Some(place) = names.iter().position(|wanted| *wanted == name) {
            let mut bytes = Vec::with_capacity(entry.size as usize);
            tar.copy_entry(&mut bytes).map_err(failed)?;
            found[place] = Some(bytes);
        }
    }
    if let Some(missing) = found.iter().position(Option::is_none) {
        return Err(damaged(format!("it has no `{}`", names[missing])));
    }
    Ok(found.map(Option::unwrap_or_default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_registry_and_the_cache() {
        let registry = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            Registry::from_variables(variable, Some(Path::new("/home/ada"))).unwrap()
        };
        let package = Package { name: "a-b", version: "1.2.3", size: 1, integrity: "sha512-" };
        let plain = registry(&[]);
        assert_eq!(plain.url(&package), "https://registry.npmjs.org/a-b/-/a-b-1.2.3.tgz");
        let cached = "/home/ada/.cache/huggingface/assets/kennel/npm/a-b-1.2.3.tgz";
        assert_eq!(plain.path(&package), Path::new(cached));
        let npm = ("npm_config_registry", "http://npm/");
        assert_eq!(registry(&[npm]).endpoint, "http://npm");
        assert_eq!(
            registry(&[npm, ("KENNEL_NPM_REGISTRY", "http://ours")]).endpoint,
            "http://ours"
        );
        assert_eq!(registry(&[npm, ("KENNEL_NPM_REGISTRY", "")]).endpoint, "http://npm");
    }
}
