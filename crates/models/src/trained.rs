//! Loads the network that a run has trained.

use std::path::PathBuf;

use burn::tensor::Device;
use kennel_core::{CoreError, Hint, Method, RunDir, RunRecord, Settings};

use crate::{
    LoadOptions, ModelError, Network, RegularizationRates, Result, architecture, load,
    read_checkpoint,
};

/// Loads the network of a run's best epoch, in evaluation mode, and the run's record.
///
/// # Errors
///
/// [`ModelError::NoCheckpoint`] when no epoch was finished; a configuration or checkpoint that is
/// damaged.
pub fn load_trained(run: &RunDir, device: &Device) -> Result<(Network, RunRecord)> {
    let record = record_of(run)?;
    let RunRecord { settings, facts } = &record;
    let architecture = architecture(&settings.model)?;
    let path = best_weights_of(run, settings)?;
    let rates = RegularizationRates::of(settings);
    let network = Network::new(architecture, facts.class_names.len(), rates, device);
    let checkpoint = read_checkpoint(&path)?;
    let (network, _) = load(network, &checkpoint, LoadOptions::Exact, architecture.name, &path)?;
    Ok((network, record))
}

/// Reads the record of a run and checks its preprocessing: a user may have edited it.
pub(crate) fn record_of(run: &RunDir) -> Result<RunRecord> {
    let record = run.read_record()?;
    if let Some((name, found, expected)) = record.settings.preprocessing_problem() {
        let reason = format!("{name} is {found}, expected {expected}");
        return Err(CoreError::Malformed {
            path: run.config(),
            what: "configuration of a run",
            reason,
        }
        .into());
    }
    Ok(record)
}

/// Returns the path of the best epoch's weights, or [`ModelError::NoCheckpoint`] if there are none.
pub(crate) fn best_weights_of(run: &RunDir, settings: &Settings) -> Result<PathBuf> {
    let path = run.best_weights();
    if path.exists() {
        return Ok(path);
    }
    let hint = match settings.method {
        Method::ZeroShot => Hint::UntouchedHead {
            model: settings.model.clone(),
            weights: settings.weights.to_string(),
        },
        _ if run.is_finished() => Hint::TrainSame { run: run.path().into() },
        _ => Hint::ResumeForWeights { run: run.path().into() },
    };
    Err(ModelError::NoCheckpoint { run: run.path().into(), hint: Box::new(hint) })
}
