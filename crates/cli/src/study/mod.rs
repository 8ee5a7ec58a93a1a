//! Several experiments on the same photos: what they are, which are done, how long the others will take.

mod estimate;
mod plan;
mod state;

pub use estimate::{Rates, estimate_s};
pub use plan::{Experiment, Settings, plan};
pub use state::{Existing, State};
