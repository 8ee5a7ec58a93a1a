//! What may have been meant by a path at which there is nothing.

use std::path::Path;

use kennel_core::{composed, did_you_mean, files};

/// "Did you mean", as a line of its own to end an error message with, of what lies in the folder in which `path` would.
pub fn hint_nearby(path: &Path) -> Option<String> {
    if path.starts_with("~") {
        return Some("\nhint: in quotes the shell leaves ~ as it is; write \"$HOME/...\"".into());
    }
    let typed = path.file_name()?.to_string_lossy();
    // A folder that cannot be listed knows no name.
    let entries = std::fs::read_dir(files::folder_of(path)).into_iter().flatten().flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // What is there under this very name is a link to nothing.
    let others = names.iter().map(String::as_str).filter(|name| *name != typed);
    if others.clone().any(|name| composed(name) == composed(&typed)) {
        return Some("\nhint: a name that looks the same is there, its letters spelt otherwise in Unicode; let the shell complete it".into());
    }
    let name = did_you_mean(&typed, others)?;
    Some(format!("\nhint: did you mean `{}`?", path.with_file_name(name).display()))
}
