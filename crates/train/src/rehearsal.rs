//! Rehearses a run: does everything that comes before training, and writes nothing.

use kennel_core::{RunFacts, Settings, Task};

use crate::features::KeptFeatures;
use crate::fit::steps_per_epoch;
use crate::run::set_up_features;
use crate::{Result, TrainOptions};

/// What [`train`](crate::train) would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// Facts about the run: trained parts, parameters, photos, classes.
    pub facts: RunFacts,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// How many features of the frozen stages are cached already. None if the run does not cache
    /// features.
    pub kept_features: Option<KeptFeatures>,
}

/// Opens and checks everything that a run needs, including photos and weights. Writes nothing.
///
/// # Errors
///
/// As [`train`](crate::train), up to the point where it creates its run directory.
pub fn rehearse(settings: &Settings, options: &TrainOptions, task: Task<'_>) -> Result<Rehearsal> {
    let (setup, features) = set_up_features(settings, options, task)?;
    Ok(Rehearsal {
        steps_per_epoch: steps_per_epoch(setup.facts.photos.train, settings),
        kept_features: features.kept(settings.epochs),
        facts: setup.facts,
    })
}
