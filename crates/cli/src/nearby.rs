//! Suggestions for a path that does not exist.

use std::path::Path;

use kennel_core::{composed, did_you_mean, files};

/// Returns a "did you mean" hint for a missing path, on a line of its own to append to an error
/// message. Suggests names from the folder that would hold `path`.
pub fn hint_nearby(path: &Path) -> Option<String> {
    if path.starts_with("~") {
        return Some("\nhint: in quotes the shell leaves ~ as it is; write \"$HOME/...\"".into());
    }
    // The first component of the path that does not exist.
    let missing = path
        .ancestors()
        .take_while(|part| !part.exists() && !part.as_os_str().is_empty())
        .last()?;
    let rest = path.strip_prefix(missing).ok()?;
    let (whole, path) = (path, missing);
    let typed = path.file_name()?.to_string_lossy();
    // An unreadable folder gives no suggestions.
    let entries = std::fs::read_dir(files::folder_of(path)).into_iter().flatten().flatten();
    let names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // An entry with exactly this name is a broken link.
    let others = names.iter().map(String::as_str).filter(|name| *name != typed);
    if others.clone().any(|name| composed(name) == composed(&typed)) {
        return Some(
            "\nhint: a name that looks the same is there, its letters spelt otherwise in \
            Unicode; let the shell complete it"
                .into(),
        );
    }
    let name = did_you_mean(&typed, others)?;
    let meant = path.with_file_name(name);
    // The rest of the path may be mistyped, too.
    let meant = if whole == path {
        meant
    } else {
        Some(meant.join(rest)).filter(|meant| meant.exists())?
    };
    Some(format!("\nhint: did you mean `{}`?", meant.display()))
}
