//! Finds the runs that already exist for the experiments of a study.

use std::cell::LazyCell;
use std::path::Path;

use kennel_core::{Method, RunDir, RunRecord, Settings, Split, Weights, files};
use kennel_models::{architecture, locate_weights};

use crate::failure::Failure;

/// State of an experiment.
#[derive(Clone, Debug)]
pub enum State {
    /// A run of the same settings and photos is finished.
    Finished(RunDir),
    /// Such a run was begun.
    Begun(RunDir),
    /// There is no such run.
    New,
}

/// The existing runs on the photos of a study, newest first.
pub struct Existing {
    runs: Vec<Known>,
    manifest_sha256: String,
}

struct Known {
    run: RunDir,
    record: RunRecord,
}

impl Existing {
    /// Reads the records under `runs` and keeps the runs whose manifest has this digest.
    pub fn read(runs: &Path, manifest_sha256: &str) -> Result<Self, Failure> {
        let of_photos = |run: RunDir| {
            // Skips runs with an unreadable configuration; the comparison reports them.
            let record = run.read_record().ok()?;
            (record.facts.manifest_sha256 == manifest_sha256).then_some(Known { run, record })
        };
        let runs = RunDir::list(runs)?.into_iter().rev().filter_map(of_photos).collect();
        Ok(Existing { runs, manifest_sha256: manifest_sha256.into() })
    }

    /// Returns the state of the experiment with these settings; a finished run comes before a begun
    /// one. A begun run can be resumed only if its own paths lead to the same files.
    pub fn state(&self, settings: &Settings) -> State {
        let digest = LazyCell::new(|| weights_digest(settings));
        let is_same = |known: &&Known| {
            // Weights of the same name need not be read.
            let is_named_so = known.record.settings.weights == settings.weights;
            let weights_sha256 = if is_named_so { None } else { digest.as_deref() };
            known.record.is_repeated_by(settings, &self.manifest_sha256, weights_sha256)
        };
        let mut same: Vec<&Known> = self.runs.iter().filter(is_same).collect();
        if let Some(finished) = same.iter().find(|known| known.run.is_finished()) {
            return State::Finished(finished.run.clone());
        }
        same.retain(|known| {
            let known = &known.record.settings;
            files::is_same_place(&known.data_dir, &settings.data_dir)
                && files::is_same_place(known.weights.as_str(), settings.weights.as_str())
        });
        same.first().map_or(State::New, |begun| State::Begun(begun.run.clone()))
    }

    /// Whether a zero-shot run of this network has predicted all `splits`.
    pub fn has_zero_shot(&self, model: &str, weights: &Weights, splits: &[Split]) -> bool {
        self.runs.iter().any(|Known { run, record: RunRecord { settings, .. } }| {
            settings.method == Method::ZeroShot
                && (settings.model.as_str(), &settings.weights) == (model, weights)
                && run.is_finished()
                && splits.iter().all(|split| run.predictions(*split).is_file())
        })
    }
}

/// Returns the SHA-256 of the pretrained weights; none if there are none or they cannot be read
/// (training reports why).
fn weights_digest(settings: &Settings) -> Option<String> {
    let source =
        locate_weights(architecture(&settings.model).ok()?, Some(settings.weights.pretrained()?)).ok()?;
    files::sha256_file(&source.file).ok()
}
