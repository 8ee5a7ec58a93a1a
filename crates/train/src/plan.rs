//! Plans a run before anything is written.

use kennel_core::{Settings, Split, Strategy};
use kennel_data::Dataset;
use kennel_infer::InferError;
use kennel_models::{Network, is_under};

use crate::{Result, TrainError};

/// Returns the name prefixes of the tensors that a run trains.
///
/// # Errors
///
/// A prefix that matches no tensor, or a selection without the classifier; settings of a run that
/// trains nothing.
pub fn trained_parts(network: &Network, settings: &Settings) -> Result<Vec<String>> {
    let head = network.head().to_string();
    if !settings.unfreeze.is_empty() {
        network.check_parts(&settings.model, &settings.unfreeze)?;
        if !settings.unfreeze.iter().any(|prefix| is_under(&head, prefix)) {
            let with_head = format!("{},{head}", settings.unfreeze.join(","));
            return Err(TrainError::HeadNotTrained { head, with_head });
        }
        return Ok(settings.unfreeze.clone());
    }
    Ok(match settings.strategy()? {
        Strategy::Freeze => vec![head],
        Strategy::Partial => network.partial(),
        // `auto` may train everything.
        Strategy::Full | Strategy::Auto => {
            network.stages().into_iter().flat_map(|stage| stage.prefixes).collect()
        }
    })
}

/// Checks that there are training and validation photos. The latter may lack where the caller
/// wanted it so ([`Dataset::without_validation`]).
///
/// # Errors
///
/// [`InferError::EmptySplit`].
pub fn check_splits(data: &Dataset) -> Result<()> {
    for (split, needed_for) in [(Split::Train, "training"), (Split::Val, "choosing the epoch")] {
        let is_needed = split == Split::Train || !data.is_without_validation();
        if is_needed && data.photos(split).is_empty() {
            return Err(InferError::nothing_to_train_on(data.root(), split, needed_for).into());
        }
    }
    Ok(())
}
