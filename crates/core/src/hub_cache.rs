//! The cache of `huggingface_hub`: where downloaded files lie and how to find them. Paths only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Returns the folder of all repositories, from the environment: `HF_HUB_CACHE`, else
/// `HUGGINGFACE_HUB_CACHE`, else `HF_HOME`, else `XDG_CACHE_HOME`, else `~/.cache/huggingface/hub`.
/// `None` only when none of the variables is set and there is no home folder.
pub fn hub_folder() -> Option<PathBuf> {
    hub_folder_of(|variable| std::env::var_os(variable), std::env::home_dir().as_deref())
}

/// As [`hub_folder`], with the given variables and home folder. An empty variable counts as unset.
pub fn hub_folder_of(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let set = |name: &str| folder_in(&variable, name, home);
    set("HF_HUB_CACHE")
        .or_else(|| set("HUGGINGFACE_HUB_CACHE"))
        .or_else(|| home_folder_of(&variable, home).map(|folder| folder.join("hub")))
}

/// Returns the folder above the cache, which also holds the token: `HF_HOME`, else `huggingface` in
/// the user's cache folder.
pub fn home_folder_of(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let set = |name: &str| folder_in(&variable, name, home);
    set("HF_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
        .or_else(|| home.map(|home| home.join(".cache/huggingface")))
}

/// Returns the folder where other libraries keep what they download, in folders of their own names:
/// `HF_ASSETS_CACHE`, else `HUGGINGFACE_ASSETS_CACHE`, else `assets` in [`home_folder_of`].
pub fn assets_folder_of(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let set = |name: &str| folder_in(&variable, name, home);
    set("HF_ASSETS_CACHE")
        .or_else(|| set("HUGGINGFACE_ASSETS_CACHE"))
        .or_else(|| home_folder_of(&variable, home).map(|folder| folder.join("assets")))
}

/// Returns the folder of a model repository: `models--timm--resnet50.a1_in1k` for
/// `timm/resnet50.a1_in1k`.
pub fn repo_folder(hub: &Path, repo: &str) -> PathBuf {
    hub.join(repo_folder_name(repo))
}

/// Returns the name of a model repository's folder.
pub fn repo_folder_name(repo: &str) -> String {
    format!("models--{}", repo.replace('/', "--"))
}

/// Returns the snapshot folder of `revision` (a branch, a tag or a full commit hash), if it has all
/// of `files`.
pub fn snapshot(repo_folder: &Path, revision: &str, files: &[&str]) -> Option<PathBuf> {
    let commit = match is_commit(revision) {
        true => revision.to_string(),
        false => std::fs::read_to_string(repo_folder.join("refs").join(revision)).ok()?,
    };
    let snapshot = repo_folder.join("snapshots").join(commit.trim());
    files.iter().all(|file| snapshot.join(file).is_file()).then_some(snapshot)
}

/// Whether `revision` is a full commit hash, which always denotes the same files.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40
        && revision.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Returns the folder that a variable names. An empty variable counts as unset.
fn folder_in(
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &str,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let value = variable(name).filter(|value| !value.is_empty())?;
    Some(expand_home(value.into(), home))
}

fn expand_home(path: PathBuf, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_huggingface_hub_are_asked_in_its_order() {
        let folder = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            hub_folder_of(variable, Some(Path::new("/home/ada"))).unwrap().display().to_string()
        };
        assert_eq!(folder(&[]), "/home/ada/.cache/huggingface/hub");
        assert_eq!(folder(&[("XDG_CACHE_HOME", "/c")]), "/c/huggingface/hub");
        assert_eq!(folder(&[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/c")]), "/home/ada/hf/hub");
        assert_eq!(folder(&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")]), "/old");
        assert_eq!(folder(&[("HF_HUB_CACHE", "/hub"), ("HUGGINGFACE_HUB_CACHE", "/old")]), "/hub");
        assert_eq!(folder(&[("HF_HUB_CACHE", ""), ("HF_HOME", "/hf")]), "/hf/hub");
        assert_eq!(hub_folder_of(|_| None, None), None);
        let assets = |name: &str| {
            let variable = |known: &str| (known == name).then(|| "~/x".into());
            assets_folder_of(variable, Some(Path::new("/home/ada"))).unwrap().display().to_string()
        };
        assert_eq!(assets(""), "/home/ada/.cache/huggingface/assets");
        assert_eq!(assets("HF_HOME"), "/home/ada/x/assets");
        assert_eq!(assets("HF_ASSETS_CACHE"), "/home/ada/x");
        assert_eq!(assets("HUGGINGFACE_ASSETS_CACHE"), "/home/ada/x");
    }

    #[test]
    fn a_snapshot_counts_when_all_its_files_are_there() {
        let hub = tempfile::tempdir().unwrap();
        let folder = repo_folder(hub.path(), "timm/resnet18.a1_in1k");
        assert!(folder.ends_with("models--timm--resnet18.a1_in1k"));
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let inside = folder.join("snapshots").join(commit);
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir_all(folder.join("refs")).unwrap();
        std::fs::write(folder.join("refs/main"), commit).unwrap();
        std::fs::write(inside.join("config.json"), "{}").unwrap();
        assert_eq!(snapshot(&folder, "main", &["config.json", "model.safetensors"]), None);
        std::fs::write(inside.join("model.safetensors"), "").unwrap();
        for revision in ["main", commit] {
            let found = snapshot(&folder, revision, &["config.json", "model.safetensors"]);
            assert_eq!(found.as_ref(), Some(&inside));
        }
        assert_eq!(snapshot(&folder, "v2", &["config.json"]), None);
    }
}
