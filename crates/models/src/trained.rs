//! Loads the network that a run has trained.

use std::path::PathBuf;

use burn::tensor::Device;
use kennel_core::{CoreError, Hint, RunConfig, RunDir, Strategy};

use crate::{
    LoadOptions, ModelError, Network, RegularizationRates, Result, architecture, load, read_checkpoint,
};

/// Loads the network of a run's best epoch, in evaluation mode, and the run's configuration.
///
/// # Errors
///
/// [`ModelError::NoCheckpoint`] when no epoch was finished; a configuration or checkpoint that is
/// damaged.
pub fn load_trained(run: &RunDir, device: &Device) -> Result<(Network, RunConfig)> {
    let config = configuration_of(run)?;
    let classes = config.facts(&run.config())?.class_names.len();
    let architecture = architecture(&config.model)?;
    let path = best_weights_of(run, &config)?;
    let network = Network::new(architecture, classes, RegularizationRates::of(&config), device);
    let checkpoint = read_checkpoint(&path)?;
    let (network, _) = load(network, &checkpoint, LoadOptions::Exact, architecture.name, &path)?;
    Ok((network, config))
}

/// Reads the configuration of a run and checks its preprocessing: a user may have edited it.
pub(crate) fn configuration_of(run: &RunDir) -> Result<RunConfig> {
    let config = run.read_config()?;
    if let Some((name, found, expected)) = config.preprocessing.problem() {
        let reason = format!("{name} is {found}, expected {expected}");
        return Err(
            CoreError::Malformed { path: run.config(), what: "configuration of a run", reason }.into()
        );
    }
    Ok(config)
}

/// Returns the path of the best epoch's weights, or [`ModelError::NoCheckpoint`] if there are none.
pub(crate) fn best_weights_of(run: &RunDir, config: &RunConfig) -> Result<PathBuf> {
    let path = run.best_weights();
    if path.exists() {
        return Ok(path);
    }
    let hint = match config.strategy {
        Strategy::ZeroShot => {
            Hint::UntouchedHead { model: config.model.clone(), weights: config.weights.clone() }
        }
        _ if run.is_finished() => Hint::TrainSame { run: run.path().into() },
        _ => Hint::ResumeForWeights { run: run.path().into() },
    };
    Err(ModelError::NoCheckpoint { run: run.path().into(), hint: Box::new(hint) })
}
