//! A page and an HTTP interface around models that label photos.
//!
//! [`Serving`] listens on one port. A request is let in by its host, its page and its token
//! (`guard`), and by how much is in work (`admission`). Photos are decoded in parallel. Each model
//! has a thread of its own, which labels the photos that wait together (`hosted`).
//!
//! The page also shows and adds photos, corrects labels, trains and exports. For that it starts the
//! program's own commands (`workbench`).
//!
//! Photos that are labelled are not kept. Those that a person adds are kept under names that the
//! server gives them: no name of a client's is opened.

mod error;
mod options;

// Answers and counts.
mod blocking;
mod metrics;
mod problem;

// Who may ask, and how much.
mod admission;
mod guard;

// Models and photos.
mod map;

mod index;

mod hosted;
mod models;
mod state;
mod upload;

mod photos;

mod api;
mod similar;

mod openapi;
mod page;
mod workbench;

mod routes;
mod server;

pub use error::{Result, ServeError};
pub use hosted::Opener;
pub use index::Indexer;
pub use models::{Kind, Served};
pub use options::{Limits, Options, PORT};
pub use server::Serving;
pub use workbench::{Asked, Commands, Folders, OwnFiles, Workbench};
