//! The strategy `auto`: tries a convex head, fine-tuning from it and averages of both, and keeps
//! what the validation photos say.
//!
//! Cross-validation of any other strategy: a network for each fold, then one on all photos
//! ([`Settings::folds`](kennel_core::Settings::folds)).
//!
//! Search of the settings of a strategy in many trials. At each rung the worse half is halted
//! ([`Settings::search`](kennel_core::Settings::search)).
//!
//! [`train`] and [`resume`] take the settings of any run; the others go on to `kennel-train`. A run
//! of `auto` or a search holds its trials, and a cross-validated run its folds, as runs of their
//! own, so that what is finished need not be done again after a stop. It reads the test photos
//! once, with the network that is its result.
//!
//! A study of several networks fits all their convex heads first ([`begin_with_head`]), compares
//! them ([`contend`]), and fine-tunes those in contention; the others [`end_with_head`].
//!
//! [`Ensemble`] averages the probabilities of finished runs, and [`cook`] their weights.

mod average;
mod choose;
mod halving;
mod recipe;

mod estimate;

mod candidates;
mod trials;
mod whole;

mod adopt;
mod refit;

mod budget;
mod run;

mod contenders;

mod ensemble;
mod members;
mod soup;

mod folds;

mod draws;
mod search;

mod twice;

mod start;

pub use choose::{Behind, Losses, choose};
pub use contenders::{Contender, JudgedProbe, contend};
pub use ensemble::{Ensemble, EnsembleRecord, MemberRecord, Step, Versus};
pub use estimate::{Rates, estimate_s};
pub use kennel_train::{Result, Trained};
pub use members::{EnsembleError, Member, best_member, read_members};
pub use run::{begin_with_head, end_with_head, fit_head};
pub use soup::{Soup, SoupPlace, SoupRun, Tried, cook, place_of};
pub use start::{rehearse, resume, train};
