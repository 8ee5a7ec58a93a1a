//! Errors of reading and writing the shared files.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

/// Result of this crate's functions.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

/// A shared file that cannot be read or written, or whose contents are invalid; or an unknown name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The file system refused.
    #[error("cannot {verb} {path}: {source}{hint}", path = crate::shown(path), hint = way_out(verb, source))]
    Io {
        /// The attempted action: `read`, `write`, `create`.
        verb: &'static str,
        /// Path of the file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: Error,
    },
    /// A file with invalid contents.
    #[error("{path} is not a valid {what}: {reason}", path = crate::shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the file should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// One line of a JSON-lines file is damaged.
    #[error("{path}:{line}: not a valid {what}: {reason}", path = crate::shown(path))]
    MalformedLine {
        /// The file.
        path: PathBuf,
        /// One-based line number.
        line: usize,
        /// What the line should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a run that changed since it was written.
    #[error(
        "{path} has {found}, {sums} expects another: it is damaged, or was changed since it was written\n\
         hint: put a copy back, or train the run again; if you changed it on purpose, remove {sums}",
        path = crate::shown(path), sums = crate::shown(sums)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its digest, or a note that it is not listed.
        found: String,
        /// Path of `SHA256SUMS`.
        sums: PathBuf,
    },
    /// A run directory where a folder of runs was expected.
    #[error(
        "{path} is a run, not a folder of runs\nhint: --runs takes the folder that it lies in, {beside}; a single run is given with --run",
        path = crate::shown(path), beside = crate::shown(beside)
    )]
    RunNotRuns {
        /// Path of the run.
        path: PathBuf,
        /// The folder that contains the run.
        beside: PathBuf,
    },
    /// A run that was stopped or is still training.
    #[error(
        "{run} is not finished: it has no evaluation.json\nhint: `kennel train --resume {word}` finishes it", run = crate::shown(run),
        word = crate::quoted(&run.to_string_lossy())
    )]
    Unfinished {
        /// Path of the run.
        run: PathBuf,
    },
    /// Predictions whose photos are not those of the run's manifest.
    #[error(
        "{path} does not hold the {split} photos of manifest.json: {reason}\nhint: the file was edited or cut: `kennel train --config RUN` \
         trains the run again",
        path = crate::shown(path)
    )]
    OtherPredictions {
        /// Path of the predictions.
        path: PathBuf,
        /// The split.
        split: crate::Split,
        /// The first difference.
        reason: String,
    },
    /// A word that is not one of the choices.
    #[error("unknown {what} `{found}`; expected one of: {expected}{hint}")]
    UnknownWord {
        /// What the word should name.
        what: &'static str,
        /// The given word.
        found: String,
        /// The choices, separated by commas.
        expected: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// A class of a data set that matches no class of ImageNet-1k.
    #[error("class `{class}` {reason}{others}\nhint: {hint}")]
    NotImagenet {
        /// Name of the class.
        class: String,
        /// Why neither its name nor its file names match.
        reason: String,
        /// Empty, or a semicolon and the other classes without a match.
        others: String,
        /// How to choose a class.
        hint: String,
    },
    /// A given word that is not the synset or name of exactly one class of ImageNet-1k.
    #[error(
        "`{found}`, given for class `{class}`, is not the synset or name of exactly one of ImageNet-1k's 1000 classes\nhint: {hint}"
    )]
    UnknownSynset {
        /// Name of the class in the data set.
        class: String,
        /// The given word.
        found: String,
        /// How to choose a class.
        hint: String,
    },
    /// Two classes of a data set that match the same output of the ImageNet head.
    #[error(
        "classes `{first}` and `{second}` are both {synset} ({name}), output {imagenet_index} of the ImageNet head\n\
         hint: tell them apart with `{hint}`, or make one class of them"
    )]
    SameImagenetClass {
        /// The first class.
        first: String,
        /// The second class.
        second: String,
        /// The synset of both.
        synset: String,
        /// Usual name of the synset.
        name: &'static str,
        /// Output of the head.
        imagenet_index: usize,
        /// The flag that chooses another synset.
        hint: String,
    },
}

impl CoreError {
    /// Wraps an I/O error with the attempted action and the path.
    pub fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(Error) -> CoreError {
        let path = path.into();
        move |source| CoreError::Io { verb, path, source }
    }
}

/// Returns a hint for a refusal by the file system, on its own line; empty when there is none.
fn way_out(verb: &str, refused: &Error) -> &'static str {
    match refused.kind() {
        // For `read` and `copy`, `path` is the source, so this advice does not apply.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem if !["read", "copy"].contains(&verb) => {
            "\nhint: this place is read-only for you; choose another with a flag such as --out or --runs, with HF_HOME for fetched weights"
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "\nhint: a file stands where a folder should be: move it away, or choose another place"
        }
        ErrorKind::FileTooLarge if ["write", "copy"].contains(&verb) => {
            "\nhint: a limit on the size of files stops it: raise it with `ulimit -f unlimited`, or ask whoever set it"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "\nhint: make room (`kennel doctor` says what is free), or choose another place with a flag such as --out or --runs, with HF_HOME for fetched weights"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_system_refuses_has_a_way_out() {
        let said = |verb, kind: ErrorKind| CoreError::io(verb, "runs/x")(kind.into()).to_string();
        let read_only = said("create", ErrorKind::PermissionDenied);
        assert!(
            read_only.starts_with("cannot create runs/x: ") && read_only.contains("--out"),
            "{read_only}"
        );
        assert!(said("write", ErrorKind::StorageFull).contains("hint: make room"));
        assert!(said("write", ErrorKind::FileTooLarge).contains("ulimit -f"));
        assert!(said("create", ErrorKind::AlreadyExists).contains("a file stands where a folder should be"));
        // Choosing another output place does not help with a file that cannot be read.
        assert!(!said("read", ErrorKind::PermissionDenied).contains("hint:"));
    }
}
