//! Errors of reading and writing the shared files.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use crate::{Hint, Hinted};

/// Result of this crate's functions.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

/// A shared file that cannot be read or written, or whose contents are invalid; or an unknown name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The file system refused.
    #[error("cannot {verb} {path}: {source}", path = crate::shown(path))]
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
        "{path} has {found}, {sums} expects another: it is damaged, or was changed since it was \
         written",
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
    /// A damaged list of a run's digests.
    #[error("{path} is not a valid list of digests: `{line}` is no digest with a name", path = crate::shown(path), line = line.escape_debug())]
    MalformedSums {
        /// The list.
        path: PathBuf,
        /// The first damaged line.
        line: String,
    },
    /// A run directory where a folder of runs was expected.
    #[error("{path} is a run, not a folder of runs", path = crate::shown(path))]
    RunNotRuns {
        /// Path of the run.
        path: PathBuf,
        /// The folder that contains the run.
        beside: PathBuf,
    },
    /// A run that was stopped or is still training.
    #[error("{run} is not finished: it has no evaluation.json", run = crate::shown(run))]
    Unfinished {
        /// Path of the run.
        run: PathBuf,
    },
    /// Predictions whose photos are not those of the run's manifest.
    #[error("{path} does not hold the {photos} photos of manifest.json: {reason}", path = crate::shown(path))]
    OtherPredictions {
        /// Path of the predictions.
        path: PathBuf,
        /// The splits whose photos are expected: `val`, `train and val`.
        photos: String,
        /// The first difference.
        reason: String,
    },
    /// A word that is not one of the choices.
    #[error("unknown {what} `{found}`; expected one of: {expected}")]
    UnknownWord {
        /// What the word should name.
        what: &'static str,
        /// The given word.
        found: String,
        /// The choices, separated by commas.
        expected: String,
        /// The choice that is closest to the word.
        nearest: Option<String>,
    },
    /// A class of a data set that matches no class of ImageNet-1k.
    #[error("class `{class}` {reason}{}", and_others(others))]
    NotImagenet {
        /// Name of the class.
        class: String,
        /// Why neither its name nor its file names match.
        reason: String,
        /// The other classes without a match.
        others: Vec<String>,
        /// The classes of ImageNet-1k that it may mean.
        hint: Box<Hint>,
    },
    /// A given word that is not the synset or name of exactly one class of ImageNet-1k.
    #[error(
        "`{found}`, given for class `{class}`, is not the synset or name of exactly one of \
         ImageNet-1k's 1000 classes"
    )]
    UnknownSynset {
        /// Name of the class in the data set.
        class: String,
        /// The given word.
        found: String,
        /// The classes that it may mean.
        hint: Box<Hint>,
    },
    /// Two classes of a data set that match the same output of the ImageNet head.
    #[error(
        "classes `{first}` and `{second}` are both {synset} ({name}), output {imagenet_index} of \
         the ImageNet head"
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
    },
}

impl CoreError {
    /// Wraps an I/O error with the attempted action and the path.
    pub fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(Error) -> CoreError {
        let path = path.into();
        move |source| CoreError::Io { verb, path, source }
    }
}

/// Lists the other classes without a match, as the end of a sentence.
fn and_others(names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; to be given too: {}{more}", shown.join(", "))
}

impl Hinted for CoreError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            CoreError::Io { verb, source, .. } => {
                return refused(verb, source).into_iter().collect();
            }
            CoreError::Damaged { sums, .. } => Hint::RestoreOrTrain { sums: sums.clone() },
            CoreError::MalformedSums { .. } => Hint::RestoreSums,
            CoreError::RunNotRuns { beside, .. } => Hint::FolderOfRuns(beside.clone()),
            CoreError::Unfinished { run } => Hint::Resume { run: run.clone() },
            CoreError::OtherPredictions { .. } => Hint::TrainAgain,
            CoreError::UnknownWord { nearest, .. } => {
                return nearest.iter().cloned().map(Hint::DidYouMean).collect();
            }
            CoreError::NotImagenet { hint, .. } | CoreError::UnknownSynset { hint, .. } => {
                (**hint).clone()
            }
            CoreError::SameImagenetClass { second, .. } => {
                Hint::TellApart { class: second.clone() }
            }
            CoreError::Malformed { .. } | CoreError::MalformedLine { .. } => return Vec::new(),
        };
        vec![hint]
    }
}

/// Returns a hint for a refusal by the file system.
fn refused(verb: &str, refused: &Error) -> Option<Hint> {
    match refused.kind() {
        // For `read` and `copy`, `path` is the source, so this advice does not apply.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            if !["read", "copy"].contains(&verb) =>
        {
            Some(Hint::OtherPlace)
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => Some(Hint::FileInTheWay),
        ErrorKind::FileTooLarge if ["write", "copy"].contains(&verb) => Some(Hint::FileSizeLimit),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Hint::MakeRoom),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_system_refuses_has_a_hint() {
        let hints = |verb, kind: ErrorKind| CoreError::io(verb, "runs/x")(kind.into()).hints();
        assert_eq!(hints("create", ErrorKind::PermissionDenied), [Hint::OtherPlace]);
        assert_eq!(hints("write", ErrorKind::StorageFull), [Hint::MakeRoom]);
        assert_eq!(hints("write", ErrorKind::FileTooLarge), [Hint::FileSizeLimit]);
        assert_eq!(hints("create", ErrorKind::AlreadyExists), [Hint::FileInTheWay]);
        // Choosing another output place does not help with a file that cannot be read.
        assert_eq!(hints("read", ErrorKind::PermissionDenied), []);
    }
}
