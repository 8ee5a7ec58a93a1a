//! What can go wrong between a URL and a file.

use std::path::PathBuf;

use kennel_core::CoreError;

use crate::Address;

/// The result of this room's functions.
pub type Result<T, E = FetchError> = std::result::Result<T, E>;

/// Something that could not be fetched, and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The user interrupted. What was received is kept, and the same call goes on from there.
    #[error("stopped: what was received of {what} is kept\nhint: the same command goes on from there")]
    Stopped {
        /// What was being fetched.
        what: String,
    },
    /// Nothing may be asked of the network.
    #[error(
        "{what} is not on this machine, and the network is off (--offline or HF_HUB_OFFLINE)\nhint: {hint}"
    )]
    Offline {
        /// What is missing.
        what: String,
        /// The way out.
        hint: String,
    },
    /// The server said no.
    #[error("{url}: the server answers {status}{reason}\nhint: {hint}")]
    Refused {
        /// What was asked for.
        url: Address,
        /// The status code.
        status: u16,
        /// Empty, or what the code means, after a space.
        reason: String,
        /// The way out.
        hint: String,
    },
    /// The server did not answer, or not to the end, however often it was asked.
    #[error(
        "cannot fetch {url}: {reason} (tried {tries} times without progress)\nhint: check the connection (a proxy is taken from HTTPS_PROXY and HTTP_PROXY); the same command goes on where it stopped"
    )]
    Unreachable {
        /// What was asked for.
        url: Address,
        /// What went wrong the last time.
        reason: String,
        /// How often it was tried since the last byte.
        tries: u32,
    },
    /// A server whose redirections lead nowhere, or out of encryption.
    #[error("{url}: {reason}\nhint: check the address (of a mirror: HF_ENDPOINT, --url)")]
    Redirect {
        /// What was asked for.
        url: Address,
        /// What is wrong with the redirection.
        reason: String,
    },
    /// Not as many bytes as were promised or expected.
    #[error(
        "{url}: {promise} {promised} bytes, the server sent {sent}\nhint: the file was replaced or the server is at fault; check the address"
    )]
    Length {
        /// What was asked for.
        url: Address,
        /// Who spoke: `the server promised`, or `expected`.
        promise: &'static str,
        /// How many bytes there should have been.
        promised: u64,
        /// How many there were, or were announced.
        sent: u64,
    },
    /// More than may be fetched at all.
    #[error("{url} has {size} bytes or more, at most {max} are fetched\nhint: check the address")]
    TooLarge {
        /// What was asked for.
        url: Address,
        /// Its size, as far as it is known.
        size: u64,
        /// The bound.
        max: u64,
    },
    /// The right number of bytes, but not the right ones. They were deleted.
    #[error(
        "{url}: the {algorithm} of what was received is {found}, expected {expected}; it was deleted\nhint: try again; if it stays so, the file was replaced or something on the way changes it"
    )]
    Digest {
        /// What was asked for.
        url: Address,
        /// `SHA-256`, or `git blob id`.
        algorithm: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The file on the server became another one, twice.
    #[error("{url} changes while it is fetched\nhint: try again later")]
    Changing {
        /// What was asked for.
        url: Address,
    },
    /// An archive that is damaged or ends early.
    #[error(
        "{url} is not a whole tar archive: {reason}\nhint: check the address; {url} should be an uncompressed tar"
    )]
    DamagedArchive {
        /// What was asked for.
        url: Address,
        /// What was found.
        reason: String,
    },
    /// An archive that must not be unpacked. Nothing of it is kept.
    #[error("{url} is refused: entry `{entry}` {reason}\nhint: check the address")]
    UnsafeArchive {
        /// What was asked for.
        url: Address,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server that does not speak as the Hugging Face hub does.
    #[error(
        "{url}: {reason}\nhint: is HF_ENDPOINT ({endpoint}) a Hugging Face hub? check proxy and firewall"
    )]
    NotAHub {
        /// What was asked for.
        url: Address,
        /// The hub's address.
        endpoint: Address,
        /// What is missing.
        reason: String,
    },
    /// A name that no repository, revision or file of the hub has.
    #[error("`{name}` is not the name of a {what}\nhint: for example `{example}`")]
    BadName {
        /// `repository`, `revision`, `file`.
        what: &'static str,
        /// What was given.
        name: String,
        /// A good one.
        example: &'static str,
    },
    /// There is no home folder to keep the hub's files in.
    #[error("there is no home folder to keep downloaded weights in\nhint: set HF_HUB_CACHE to a folder")]
    NoCache,
    /// A folder that has not the photos that it should have.
    #[error("{path} is not {what}: {found}\nhint: move that folder away and fetch it again", path = kennel_core::shown(path))]
    OtherPhotos {
        /// The folder.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is there instead.
        found: String,
    },
}

impl FetchError {
    /// Wraps an I/O error with what was tried and where.
    pub(crate) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> FetchError {
        let wrap = CoreError::io(verb, path);
        move |source| wrap(source).into()
    }
}
