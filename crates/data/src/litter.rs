//! Files and folders that systems and file managers leave beside photos.

/// Why a hidden entry is left out.
pub(crate) const HIDDEN: &str = "hidden";
/// Why a system's entry is left out.
pub(crate) const OF_THE_SYSTEM: &str = "left by the system";
/// Why a file beside the class folders is left out.
pub const NOT_IN_A_CLASS: &str = "not in a class folder";

/// Folders of storage boxes (Synology, QNAP), macOS, Windows and Linux, in lower case.
const FOLDERS: [&str; 12] = [
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "@tmp",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "__macosx",
    "lost+found",
    "recycler",
    "system volume information",
    "network trash folder",
];

/// Files of Windows, in lower case.
const FILES: [&str; 4] = ["thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"];

/// Whether a file manager writes files of this name for itself.
pub(crate) fn is_litter(name: &str) -> bool {
    name.starts_with("._") || name == ".DS_Store" || FILES.contains(&name.to_lowercase().as_str())
}

/// Returns why an entry of this name is left out unread, or none if it is read.
pub(crate) fn left_out(name: &str) -> Option<&'static str> {
    match name {
        _ if name.starts_with('.') => Some(HIDDEN),
        _ if is_litter(name) || FOLDERS.contains(&name.to_lowercase().as_str()) => {
            Some(OF_THE_SYSTEM)
        }
        // macOS ends the name of a folder's icon in a carriage return.
        "Icon\r" => Some(OF_THE_SYSTEM),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_storage_boxes_and_systems_are_left_out_and_names_like_theirs_are_not() {
        for name in [
            "@eaDir",
            "#recycle",
            "$RECYCLE.BIN",
            "__MACOSX",
            "lost+found",
            "Thumbs.db",
            "@Recycle",
        ] {
            assert_eq!(left_out(name), Some(OF_THE_SYSTEM), "{name}");
        }
        for name in [".@__thumb", ".Trash-1000", ".AppleDouble", "._1.jpg", ".DS_Store"] {
            assert_eq!(left_out(name), Some(HIDDEN), "{name}");
        }
        for name in ["@home", "#1", "recycle", "thumbs", "lost", "кошка"] {
            assert_eq!(left_out(name), None, "{name}");
        }
    }
}
