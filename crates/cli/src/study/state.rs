//! Which experiments are done already.

use std::path::Path;

use kennel_core::{RunConfig, RunDir, Split, Strategy};

use crate::failure::Failure;

/// How far an experiment is.
#[derive(Clone, Debug)]
pub enum State {
    /// A run of the same configuration and photos is finished.
    Finished(RunDir),
    /// One was begun.
    Begun(RunDir),
    /// None is there.
    New,
}

/// Looks for a run of `config` on the photos of a manifest with this digest; a finished one comes before one that was
/// begun, and the newest first.
pub fn state(config: &RunConfig, manifest_sha256: &str, runs: &Path) -> Result<State, Failure> {
    let mut begun = State::New;
    for run in RunDir::list(runs)?.into_iter().rev() {
        // A run whose configuration cannot be read is nobody's: comparing reports it.
        let Ok(mut found) = RunConfig::read(&run.config()) else { continue };
        let Some(facts) = found.facts.take() else { continue };
        if found != *config || facts.manifest_sha256 != manifest_sha256 {
            continue;
        }
        if run.evaluation().exists() {
            return Ok(State::Finished(run));
        }
        if matches!(begun, State::New) {
            begun = State::Begun(run);
        }
    }
    Ok(begun)
}

/// The finished run of an untouched ImageNet head on these photos, with predictions of all `splits`.
pub fn find_zero_shot(
    model: &str,
    weights: &str,
    manifest_sha256: &str,
    splits: &[Split],
    runs: &Path,
) -> Result<Option<RunDir>, Failure> {
    let has_splits = |run: &RunDir| splits.iter().all(|split| run.predictions(*split).is_file());
    for run in RunDir::list(runs)?.into_iter().rev() {
        let Ok(config) = RunConfig::read(&run.config()) else { continue };
        let is_of_photos = config.facts.is_some_and(|facts| facts.manifest_sha256 == manifest_sha256);
        let is_asked =
            config.strategy == Strategy::ZeroShot && config.model == model && config.weights == weights;
        if is_asked && is_of_photos && run.evaluation().exists() && has_splits(&run) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}
