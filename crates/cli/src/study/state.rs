//! Finds the runs that already exist for the experiments of a study.

use std::cell::LazyCell;
use std::path::Path;

use kennel_core::{RunConfig, RunDir, Split, Strategy, files};
use kennel_models::{architecture, locate_weights};

use crate::failure::Failure;

/// State of an experiment.
#[derive(Clone, Debug)]
pub enum State {
    /// A run of the same configuration and photos is finished.
    Finished(RunDir),
    /// Such a run was begun.
    Begun(RunDir),
    /// There is no such run.
    New,
}

/// The existing runs on the photos of a study, newest first.
pub struct Existing {
    runs: Vec<Known>,
}

struct Known {
    run: RunDir,
    config: RunConfig,
    weights_sha256: String,
}

impl Existing {
    /// Reads the configurations under `runs` and keeps the runs whose manifest has this digest.
    pub fn read(runs: &Path, manifest_sha256: &str) -> Result<Self, Failure> {
        let of_photos = |run: RunDir| {
            // Skips runs with an unreadable configuration; the comparison reports them.
            let mut config = run.read_config().ok()?;
            let facts = config.facts.take()?;
            let weights_sha256 = facts.weights_sha256;
            (facts.manifest_sha256 == manifest_sha256).then_some(Known { run, config, weights_sha256 })
        };
        Ok(Existing { runs: RunDir::list(runs)?.into_iter().rev().filter_map(of_photos).collect() })
    }

    /// Returns the state of the experiment with this configuration; a finished run comes before a
    /// begun one. Photos and weights are compared by digest, since the same path may be spelt
    /// differently. But a begun run can be resumed only if its own paths lead to the same files.
    pub fn state(&self, config: &RunConfig) -> State {
        let digest = LazyCell::new(|| weights_digest(config));
        let is_same = |known: &&Known| {
            let alike = RunConfig {
                data_dir: config.data_dir.clone(),
                weights: config.weights.clone(),
                ..known.config.clone()
            };
            alike == *config
                && (known.config.weights == config.weights
                    || digest.as_ref().is_some_and(|digest| *digest == known.weights_sha256))
        };
        let mut same: Vec<&Known> = self.runs.iter().filter(is_same).collect();
        if let Some(finished) = same.iter().find(|known| known.run.is_finished()) {
            return State::Finished(finished.run.clone());
        }
        same.retain(|known| {
            files::is_same_place(&known.config.data_dir, &config.data_dir)
                && files::is_same_place(&known.config.weights, &config.weights)
        });
        same.first().map_or(State::New, |begun| State::Begun(begun.run.clone()))
    }

    /// Whether a zero-shot run of this network has predicted all `splits`.
    pub fn has_zero_shot(&self, model: &str, weights: &str, splits: &[Split]) -> bool {
        self.runs.iter().any(|Known { run, config, .. }| {
            config.strategy == Strategy::ZeroShot
                && (config.model.as_str(), config.weights.as_str()) == (model, weights)
                && run.is_finished()
                && splits.iter().all(|split| run.predictions(*split).is_file())
        })
    }
}

/// Returns the SHA-256 of a configuration's pretrained weights; none if it has no weights or they
/// cannot be read (training reports why).
fn weights_digest(config: &RunConfig) -> Option<String> {
    let source = locate_weights(architecture(&config.model).ok()?, Some(&config.weights)).ok()?;
    files::sha256_file(&source.file).ok()
}
