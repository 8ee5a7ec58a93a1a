//! The strategy `auto`: tries a convex head, fine-tuning from it and averages of both, and keeps
//! what the validation photos say.
//!
//! [`train`] and [`resume`] take the settings of any strategy; the others go on to `kennel-train`.
//! A run of `auto` holds its trials as runs of their own, so that what is finished need not be done
//! again after a stop. It reads the test photos once, with the chosen network.
//!
//! [`Ensemble`] averages the probabilities of finished runs, and [`cook`] their weights.

mod average;
mod choose;
mod recipe;

mod estimate;

mod budget;
mod candidates;
mod run;

mod ensemble;
mod members;
mod soup;

pub use choose::{Behind, Losses, choose};
pub use ensemble::{Ensemble, EnsembleRecord, MemberRecord, Step, Versus};
pub use estimate::{Rates, estimate_s};
pub use kennel_train::{Result, Trained};
pub use members::{EnsembleError, Member, best_member, read_members};
pub use run::{resume, train};
pub use soup::{Soup, SoupPlace, SoupRun, Tried, cook, place_of};
