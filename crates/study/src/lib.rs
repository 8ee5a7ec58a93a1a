//! A study: several experiments on the same photos, from a plan to a report and one exported file.
//!
//! A [`Study`] is planned as [`Experiment`]s. Each looks for its run among the [`Existing`] ones,
//! and [`kennel_auto::estimate_s`] estimates its time. [`Study::run`] scores the untouched
//! networks, compares those of `auto` by their convex heads, then trains or resumes every
//! experiment; it continues after a failure. [`conclude`] compares the runs, writes the report,
//! with what only a network can draw ([`Undrawn`]), and exports the best network. The caller
//! receives [`Event`]s to print.

mod error;
mod event;

mod state;

mod claims;
mod deal;

mod experiment;
mod plan;

mod options;

mod baseline;
mod contest;
mod run;

mod undrawn;

mod conclude;

pub use claims::{Claim, Claims};
pub use conclude::{Concluded, Output, conclude};
pub use deal::deal;
pub use error::{Halt, Result, StudyError};
pub use event::Event;
pub use experiment::{Experiment, Failed, Place};
pub use options::StudyOptions;
pub use plan::{Study, Unresolved};
pub use run::Ended;
pub use state::{Existing, State};
pub use undrawn::Undrawn;
