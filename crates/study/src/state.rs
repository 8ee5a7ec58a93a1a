//! Finds the runs that already exist for the experiments of a study.

use std::cell::LazyCell;
use std::path::Path;

use kennel_core::{Method, Result, RunDir, RunRecord, Settings, Split, Weights, files};
use kennel_models::{architecture, locate_weights};

/// State of an experiment.
#[derive(Clone, Debug)]
pub enum State {
    /// A run of the same settings, on the same division of the same photos, is finished.
    Finished(RunDir),
    /// Such a run was begun.
    Begun(RunDir),
    /// There is no such run.
    New,
}

/// The existing runs on the photos of a study in its division, newest first.
#[derive(Debug)]
pub struct Existing {
    runs: Vec<Known>,
    manifest_sha256: String,
}

#[derive(Debug)]
struct Known {
    run: RunDir,
    record: RunRecord,
}

impl Existing {
    /// Reads the records under `runs` and keeps the runs whose manifest has this digest.
    ///
    /// # Errors
    ///
    /// A folder that cannot be listed, or that is itself a run.
    pub fn read(runs: &Path, manifest_sha256: &str) -> Result<Self> {
        let of_photos = |run: RunDir| {
            // Skips runs with an unreadable configuration; the comparison reports them.
            let record = run.read_record().ok()?;
            (record.facts.manifest_sha256 == manifest_sha256).then_some(Known { run, record })
        };
        let runs = RunDir::list(runs)?.into_iter().rev().filter_map(of_photos).collect();
        Ok(Existing { runs, manifest_sha256: manifest_sha256.into() })
    }

    /// Reads them again: other processes may have begun and finished runs.
    ///
    /// # Errors
    ///
    /// As [`Existing::read`].
    pub fn again(&self, runs: &Path) -> Result<Self> {
        Self::read(runs, &self.manifest_sha256)
    }

    /// Returns the state of the experiment with these settings. A begun run can be resumed only if
    /// its own paths lead to the same files.
    pub fn state(&self, settings: &Settings) -> State {
        let digest = LazyCell::new(|| weights_digest(settings));
        let is_same = |record: &RunRecord| {
            // Weights of the same name need not be read.
            let is_named_so = record.settings.weights == settings.weights;
            let weights_sha256 = if is_named_so { None } else { digest.as_deref() };
            record.is_repeated_by(settings, &self.manifest_sha256, weights_sha256)
        };
        let has_same_paths = |known: &Settings| {
            files::is_same_place(&known.data_dir, &settings.data_dir)
                && files::is_same_place(known.weights.as_str(), settings.weights.as_str())
        };
        self.newest(is_same, |record| has_same_paths(&record.settings))
    }

    /// Returns the state of an experiment that the caller knows by some of its settings. Does not
    /// check whether the paths of a begun run have changed.
    pub fn state_by(&self, is_wanted: impl Fn(&Settings) -> bool) -> State {
        self.newest(|record| is_wanted(&record.settings), |_| true)
    }

    /// Returns the newest finished run that `is_same`, or else the newest begun one that also
    /// `can_resume`.
    fn newest(
        &self,
        is_same: impl Fn(&RunRecord) -> bool,
        can_resume: impl Fn(&RunRecord) -> bool,
    ) -> State {
        let same: Vec<&Known> = self.runs.iter().filter(|known| is_same(&known.record)).collect();
        if let Some(finished) = same.iter().find(|known| known.run.is_finished()) {
            return State::Finished(finished.run.clone());
        }
        let begun = same.into_iter().find(|known| can_resume(&known.record));
        begun.map_or(State::New, |begun| State::Begun(begun.run.clone()))
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
        locate_weights(architecture(&settings.model).ok()?, Some(settings.weights.pretrained()?))
            .ok()?;
    files::sha256_file(&source.file).ok()
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing, RunFacts, Strategy};

    use super::*;

    #[test]
    fn a_finished_run_comes_before_a_begun_one_and_only_of_the_same_photos() {
        let folder = tempfile::tempdir().unwrap();
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let settings = Settings::published(
            "resnet18".into(),
            Weights::Random,
            Strategy::Freeze,
            preprocessing,
        );
        let begin = |name: &str, manifest_sha256: &str| {
            let facts = RunFacts { manifest_sha256: manifest_sha256.into(), ..RunFacts::default() };
            let run = RunDir::create(folder.path(), name).unwrap();
            RunRecord { settings: settings.clone(), facts }.write(&run.config()).unwrap();
            run
        };
        let state = || Existing::read(folder.path(), "photos").unwrap().state(&settings);

        begin("1-others", "other photos");
        assert!(matches!(state(), State::New));
        let older = begin("2-older", "photos");
        begin("3-newer", "photos");
        assert!(matches!(state(), State::Begun(run) if run.name() == "3-newer"));
        std::fs::write(older.evaluation(), "{}").unwrap();
        assert!(matches!(state(), State::Finished(run) if run.name() == "2-older"));

        let existing = Existing::read(folder.path(), "photos").unwrap();
        let moved = Settings { data_dir: "elsewhere".into(), ..settings.clone() };
        assert!(matches!(existing.state(&moved), State::Finished(_)));
        std::fs::remove_file(older.evaluation()).unwrap();
        let existing = Existing::read(folder.path(), "photos").unwrap();
        assert!(matches!(existing.state(&moved), State::New));
        assert!(matches!(existing.state_by(|known| known.model == "resnet18"), State::Begun(_)));
    }
}
