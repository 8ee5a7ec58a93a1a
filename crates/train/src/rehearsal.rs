//! What a run would do, found out by beginning it and writing nothing.

use kennel_core::{RunConfig, RunFacts};

use crate::features::KeptFeatures;
use crate::fit::{set_up_features, steps_per_epoch};
use crate::{Control, Result, TrainOptions};

/// What [`train`](crate::train) would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// What was found: the parts that are trained, parameters, photos, classes.
    pub facts: RunFacts,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Passes through the frozen part whose features are kept already; none where the run keeps none.
    pub kept_features: Option<KeptFeatures>,
}

/// Opens and checks everything that a run needs, photos and weights included, and writes nothing.
///
/// # Errors
///
/// As [`train`](crate::train), before its run directory is made.
pub fn rehearse(config: &RunConfig, options: &TrainOptions, control: &mut Control) -> Result<Rehearsal> {
    let (setup, features) = set_up_features(config, options, control)?;
    Ok(Rehearsal {
        steps_per_epoch: steps_per_epoch(setup.facts.photos.train, config.batch_size),
        kept_features: features.kept(config.epochs),
        facts: setup.facts,
    })
}
