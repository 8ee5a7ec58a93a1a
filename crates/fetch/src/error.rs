//! Errors between a URL and a file.

use std::path::PathBuf;

use kennel_core::hint::Access;
use kennel_core::{CoreError, Hint, Hinted, Stopped};

use crate::Address;

/// Result of this crate's functions.
pub type Result<T, E = FetchError> = std::result::Result<T, E>;

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The user interrupted. The received part is kept, and the same call resumes.
    #[error("stopped: what was received of {what} is kept")]
    Stopped {
        /// What was being fetched.
        what: String,
        /// The caller's stop.
        #[source]
        source: Stopped,
    },
    /// The client is offline.
    #[error("{what} is not on this machine, and the network is off")]
    Offline {
        /// What is missing.
        what: String,
        /// How to get it otherwise.
        hint: Hint,
    },
    /// The server answered with an error status.
    #[error("{url}: the server answers {status}{reason}")]
    Refused {
        /// The requested address.
        url: Address,
        /// The status code.
        status: u16,
        /// Empty, or the meaning of the code after a space.
        reason: String,
        /// How to get access.
        access: Access,
    },
    /// The server could not be reached, or broke off, in every attempt.
    #[error("cannot fetch {url}: {reason} (tried {tries} times without progress)")]
    Unreachable {
        /// The requested address.
        url: Address,
        /// The last error.
        reason: String,
        /// Number of attempts since the last progress.
        tries: u32,
    },
    /// A redirection that is invalid, endless or not encrypted, or an invalid address.
    #[error("{url}: {reason}")]
    Redirect {
        /// The requested address.
        url: Address,
        /// What is wrong.
        reason: String,
    },
    /// The number of bytes is not the promised or expected one.
    #[error("{url}: {promise} {promised} bytes, the server sent {sent}")]
    Length {
        /// The requested address.
        url: Address,
        /// Source of the number: `the server promised`, or `expected`.
        promise: &'static str,
        /// The promised or expected number of bytes.
        promised: u64,
        /// Number of bytes that were sent or announced.
        sent: u64,
    },
    /// More bytes than the limit allows.
    #[error("{url} has {size} bytes or more, at most {max} are fetched")]
    TooLarge {
        /// The requested address.
        url: Address,
        /// Size, as far as it is known.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// The received bytes have the wrong digest. They were deleted.
    #[error(
        "{url}: the {algorithm} of what was received is {found}, expected {expected}; it was \
         deleted"
    )]
    Digest {
        /// The requested address.
        url: Address,
        /// `SHA-256`, or `git blob id`.
        algorithm: &'static str,
        /// The expected digest.
        expected: String,
        /// The digest of the received bytes.
        found: String,
    },
    /// The file on the server changed twice during the download.
    #[error("{url} changes while it is fetched")]
    Changing {
        /// The requested address.
        url: Address,
    },
    /// The archive is damaged or ends early.
    #[error("{url} is not a whole tar archive: {reason}")]
    DamagedArchive {
        /// The requested address.
        url: Address,
        /// What is wrong.
        reason: String,
    },
    /// The archive must not be unpacked. Nothing of it is kept.
    #[error("{url} is refused: entry `{entry}` {reason}")]
    UnsafeArchive {
        /// The requested address.
        url: Address,
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server does not answer like the Hugging Face hub.
    #[error("{url}: {reason}")]
    NotAHub {
        /// The requested address.
        url: Address,
        /// Address of the hub.
        endpoint: Address,
        /// What is missing.
        reason: String,
    },
    /// A name that cannot be a repository, revision or file of the hub.
    #[error("`{name}` is not the name of a {what}")]
    BadName {
        /// `repository`, `revision`, `file`.
        what: &'static str,
        /// The given name.
        name: String,
        /// A valid example.
        example: &'static str,
    },
    /// There is no home folder to cache the hub's files in.
    #[error("there is no home folder to keep downloaded weights in")]
    NoCache,
    /// A folder does not contain the expected photos.
    #[error("{path} is not {what}: {found}", path = kennel_core::shown(path))]
    OtherPhotos {
        /// The folder.
        path: PathBuf,
        /// What it should contain.
        what: &'static str,
        /// What it contains.
        found: String,
    },
}

impl FetchError {
    /// Wraps an I/O error with the attempted action and the path.
    pub(crate) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> FetchError {
        let wrap = CoreError::io(verb, path);
        move |source| wrap(source).into()
    }
}

impl Hinted for FetchError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            FetchError::Core(error) => return error.hints(),
            FetchError::Stopped { .. } => Hint::SameAgain,
            FetchError::Offline { hint, .. } => hint.clone(),
            FetchError::Refused { access, .. } => Hint::Access(*access),
            FetchError::Unreachable { .. } => Hint::CheckConnection,
            FetchError::Redirect { .. } => Hint::CheckMirror,
            FetchError::Length { .. } => Hint::Replaced,
            FetchError::TooLarge { .. } | FetchError::UnsafeArchive { .. } => Hint::CheckAddress,
            FetchError::Digest { .. } => Hint::TryAgain,
            FetchError::Changing { .. } => Hint::TryLater,
            FetchError::DamagedArchive { url, .. } => Hint::PlainTar { url: url.to_string() },
            FetchError::NotAHub { endpoint, .. } => {
                Hint::CheckHub { endpoint: endpoint.to_string() }
            }
            FetchError::BadName { example, .. } => Hint::Example(example),
            FetchError::NoCache => Hint::NameCache,
            FetchError::OtherPhotos { .. } => Hint::FetchAgain,
        };
        vec![hint]
    }
}
