//! What can go wrong with the shared files.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

/// The result of this room's functions.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

/// A shared file that cannot be read, written or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The file system refused.
    #[error("cannot {verb} {path}: {source}{hint}", path = crate::shown(path), hint = way_out(verb, source))]
    Io {
        /// What was tried: `read`, `write`, `create`.
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Error,
    },
    /// A file is there, but its contents are not what they should be.
    #[error("{path} is not a valid {what}: {reason}", path = crate::shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
        /// What was found instead.
        reason: String,
    },
    /// One line of a JSON-lines file is damaged.
    #[error("{path}:{line}: not a valid {what}: {reason}", path = crate::shown(path))]
    MalformedLine {
        /// The file.
        path: PathBuf,
        /// One-based line number.
        line: usize,
        /// What the line should have been.
        what: &'static str,
        /// What was found instead.
        reason: String,
    },
    /// A file of a run that is not what was written.
    #[error(
        "{path} has {found}, {sums} expects another: it is damaged, or was changed since it was written\n\
         hint: put a copy back, or train the run again; if you changed it on purpose, remove {sums}",
        path = crate::shown(path), sums = crate::shown(sums)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The list of digests.
        sums: PathBuf,
    },
    /// A run where the folder that runs lie in was meant.
    #[error(
        "{path} is a run, not a folder of runs\nhint: --runs takes the folder that it lies in, {beside}; a single run is given with --run",
        path = crate::shown(path), beside = crate::shown(beside)
    )]
    RunNotRuns {
        /// The run.
        path: PathBuf,
        /// Where it lies.
        beside: PathBuf,
    },
    /// A run that was stopped, or is still going on.
    #[error(
        "{run} is not finished: it has no evaluation.json\nhint: `kennel train --resume {word}` finishes it", run = crate::shown(run),
        word = crate::quoted(&run.to_string_lossy())
    )]
    Unfinished {
        /// Its directory.
        run: PathBuf,
    },
    /// Predictions that are not of the run's own photos.
    #[error(
        "{path} does not hold the {split} photos of manifest.json: {reason}\nhint: the file was edited or cut: `kennel train --config RUN` \
         trains the run again",
        path = crate::shown(path)
    )]
    OtherPredictions {
        /// The predictions.
        path: PathBuf,
        /// The split.
        split: crate::Split,
        /// The first difference.
        reason: String,
    },
    /// A word that names none of the choices.
    #[error("unknown {what} `{found}`; expected one of: {expected}{hint}")]
    UnknownWord {
        /// The kind of thing.
        what: &'static str,
        /// What was given.
        found: String,
        /// The choices, separated by commas.
        expected: String,
        /// Empty, or a line that begins with `hint:`.
        hint: String,
    },
    /// A class of a data set that means none of ImageNet-1k's.
    #[error("class `{class}` {reason}{others}\nhint: {hint}")]
    NotImagenet {
        /// Its name.
        class: String,
        /// What its name and its file names say.
        reason: String,
        /// Empty, or the other classes that mean none, after a semicolon.
        others: String,
        /// The way out.
        hint: String,
    },
    /// What was given for a class is the synset or name of no class of ImageNet-1k's, or of several.
    #[error(
        "`{found}`, given for class `{class}`, is not the synset or name of exactly one of ImageNet-1k's 1000 classes\nhint: {hint}"
    )]
    UnknownSynset {
        /// The class.
        class: String,
        /// What was given.
        found: String,
        /// The way out.
        hint: String,
    },
    /// Two classes of a data set that mean the same output of the ImageNet head.
    #[error(
        "classes `{first}` and `{second}` are both {synset} ({name}), output {imagenet_index} of the ImageNet head\n\
         hint: tell them apart with `{hint}`, or make one class of them"
    )]
    SameImagenetClass {
        /// The class that came first.
        first: String,
        /// The class that came after.
        second: String,
        /// The synset that both mean.
        synset: String,
        /// Its usual name.
        name: &'static str,
        /// Its output of the head.
        imagenet_index: usize,
        /// The flag that gives another synset.
        hint: String,
    },
}

impl CoreError {
    /// Wraps an I/O error with what was tried and where.
    pub fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(Error) -> CoreError {
        let path = path.into();
        move |source| CoreError::Io { verb, path, source }
    }
}

/// The way out of what the file system refused, as a line of its own, where there is one to name.
fn way_out(verb: &str, refused: &Error) -> &'static str {
    match refused.kind() {
        // Of these two, the path is what is read.
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
        // What cannot be read lies where it lies.
        assert!(!said("read", ErrorKind::PermissionDenied).contains("hint:"));
    }
}
