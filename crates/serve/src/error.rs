//! Errors of starting and running the server.

use std::net::SocketAddr;

use kennel_core::{Hint, Hinted};

/// The result type of this crate.
pub type Result<T, E = ServeError> = std::result::Result<T, E>;

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
    /// Other machines could reach the server, and nothing keeps strangers out.
    #[error("{address} can be reached from other machines, and there is no token")]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// The system gives no threads, or no timer.
    #[error("cannot start the server: {source}")]
    Runtime {
        /// The reason.
        source: std::io::Error,
    },
    /// A model that cannot be opened.
    #[error("{reason}")]
    Model {
        /// The reason.
        reason: String,
    },
    /// Two models of one name.
    #[error("two models are called `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
}

impl Hinted for ServeError {
    fn hints(&self) -> Vec<Hint> {
        match self {
            ServeError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                vec![Hint::OtherPort]
            }
            _ => Vec::new(),
        }
    }
}
