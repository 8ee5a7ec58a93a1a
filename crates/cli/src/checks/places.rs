//! Checks of the places where files are read and written.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::found::Found;
use crate::folders::CACHE_DIR;
use crate::variables;

/// With less space than this, a few runs of a large network fill the disk.
const LITTLE_SPACE: u64 = 2_000_000_000;

fn shown(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

pub fn working_folder() -> Found {
    let here = match std::env::current_dir() {
        Ok(here) => here.display().to_string(),
        Err(error) => {
            return Found::problem(format!("the working folder is gone: {error}"))
                .hint("cd elsewhere");
        }
    };
    match tempfile::tempfile_in(".") {
        Ok(_) => Found::ok(format!("{here} can be written to")),
        Err(error) => Found::problem(format!("{here} cannot be written to: {error}"))
            .hint("work in another folder, or name others with --out, --runs and --cache-dir"),
    }
}

pub fn disk() -> Found {
    let (free, total) = match (fs4::available_space("."), fs4::total_space(".")) {
        (Ok(free), Ok(total)) => (free, total),
        (Err(error), _) | (_, Err(error)) => {
            return Found::problem(format!("the free space is not known: {error}"));
        }
    };
    let text = format!("{} of {} are free here", shown(free), shown(total));
    match free < LITTLE_SPACE {
        true => Found::problem(text).hint(format!(
            "a run keeps up to four times its weights; {CACHE_DIR} is safe to delete"
        )),
        false => Found::ok(text),
    }
}

pub fn feature_cache() -> Found {
    let folder =
        variables::value("KENNEL_CACHE_DIR").map_or_else(|| CACHE_DIR.into(), PathBuf::from);
    let path = folder.display();
    if !folder.exists() {
        return Found::none(format!("nothing is kept yet in {path}"));
    }
    match size(&folder) {
        Ok(bytes) => Found::ok(format!("{} in {path}, safe to delete", shown(bytes))),
        Err(error) => Found::problem(format!("{path} cannot be read: {error}"))
            .hint("name another folder with --cache-dir or KENNEL_CACHE_DIR"),
    }
}

/// Returns the bytes of all files under a folder, without following links.
fn size(folder: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(folder)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        let kind = entry.file_type()?;
        Ok(sum
            + match kind {
                kind if kind.is_dir() => size(&entry.path())?,
                kind if kind.is_file() => entry.metadata()?.len(),
                _ => 0,
            })
    })
}

pub fn weights() -> Found {
    match kennel_models::cached_weights() {
        Err(error) => Found::problem(error.to_string()).hint(
            "HF_HOME or HF_HUB_CACHE name another \
            folder",
        ),
        Ok((None, _)) => {
            Found::none("there is no Hugging Face cache: this user has no home folder")
                .hint("--weights DIR takes a timm model folder")
        }
        Ok((Some(hub), names)) if names.is_empty() => {
            Found::none(format!("no timm weights in {}", hub.display())).hint(
                "they are fetched when they are asked for; --weights DIR takes a timm model folder \
                 of yours",
            )
        }
        Ok((Some(hub), names)) => Found::ok(format!("{} in {}", names.join(", "), hub.display())),
    }
}
