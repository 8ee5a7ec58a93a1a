//! A study: several experiments on the same photos, their states and their estimated times.

mod estimate;
mod plan;
mod state;

pub use estimate::{Rates, estimate_s};
pub use plan::{Experiment, Study, plan};
pub use state::{Existing, State};
