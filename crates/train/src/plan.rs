//! Plans a run before anything is written.

use std::path::Path;

use kennel_core::{Settings, Split, SplitCounts, Strategy};
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

/// Checks that there are training and validation photos.
///
/// # Errors
///
/// [`InferError::EmptySplit`].
pub fn check_splits(data: &Path, photos: SplitCounts) -> Result<()> {
    for (split, needed_for) in [(Split::Train, "training"), (Split::Val, "choosing the epoch")] {
        if photos.of(split) == 0 {
            return Err(InferError::nothing_to_train_on(data, split, needed_for).into());
        }
    }
    Ok(())
}
