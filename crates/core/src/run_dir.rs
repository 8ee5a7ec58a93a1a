//! A run's directory: where each of its files lies.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{CoreError, Lock, Manifest, PredictionRecord, Result, RunConfig, Split, files, read_predictions};

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean over the epoch's photos as they were trained on, in nats per image.
    pub train_loss: f64,
    /// Share of them that were right, in [0, 1].
    pub train_accuracy: f64,
    /// After the epoch, in nats per image.
    pub val_loss: f64,
    /// After the epoch, in [0, 1].
    pub val_accuracy: f64,
    /// Rate of the last step.
    pub learning_rate: f64,
    /// `rms(w - w0) / rms(w0)` over the head's weights and bias.
    pub head_update_ratio: f64,
    /// Seconds since training began, over all sittings.
    pub elapsed_s: f64,
    /// Training photos per second in this epoch, input included.
    pub images_per_s: f64,
    /// Largest resident memory of the process so far.
    pub peak_rss_bytes: u64,
}

/// The directory of one run: `<runs>/<stamp>-<model>-<strategy>-s<seed>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

/// Refuses a run where a folder of runs was meant. (A configuration of one's own may lie beside runs.)
fn check_no_run(runs: &Path) -> Result<()> {
    match RunDir::open(runs) {
        Ok(run) if run.predictions_dir().is_dir() => {
            // `.` and `..` do not say where they lie.
            let whole = match runs.file_name() {
                Some(_) => runs.into(),
                None => fs::canonicalize(runs).unwrap_or_else(|_| runs.into()),
            };
            Err(CoreError::RunNotRuns { path: runs.into(), beside: files::folder_of(&whole).into() })
        }
        _ => Ok(()),
    }
}

impl RunDir {
    /// Creates `<runs>/<name>` with its folders; when the name is taken, `<name>-2` and so on.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when `runs` is not writable, [`CoreError::RunNotRuns`] when it is a run itself.
    pub fn create(runs: &Path, name: &str) -> Result<Self> {
        check_no_run(runs)?;
        files::create_dir_all(runs)?;
        for attempt in 1_u32.. {
            let root = match attempt {
                1 => runs.join(name),
                n => runs.join(format!("{name}-{n}")),
            };
            match fs::create_dir(&root) {
                Ok(()) => {
                    let run = RunDir { root };
                    files::create_dir_all(&run.checkpoints())?;
                    files::create_dir_all(&run.predictions_dir())?;
                    return Ok(run);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(CoreError::io("create", root)(error)),
            }
        }
        unreachable!("u32::MAX runs of one name")
    }

    /// Takes a folder for a run's.
    ///
    /// # Errors
    ///
    /// [`CoreError::Malformed`] when it holds no `config.toml`.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let run = RunDir { root: root.into() };
        if !run.config().is_file() {
            return Err(CoreError::Malformed {
                path: run.root,
                what: "run",
                reason: format!("it holds no {}", RunConfig::FILE_NAME),
            });
        }
        Ok(run)
    }

    /// The run that `file` is a checkpoint of, if it is one.
    pub fn of_checkpoint(file: &Path) -> Option<Self> {
        let file = fs::canonicalize(file).ok()?;
        let run = RunDir::open(file.parent()?.parent()?).ok()?;
        file.starts_with(run.checkpoints()).then_some(run)
    }

    /// Every run under `runs` in the order in which they began, as their configurations say: a run may have another name by now.
    /// None when the folder is not there.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when it cannot be listed, [`CoreError::RunNotRuns`] when it is a run itself.
    pub fn list(runs: &Path) -> Result<Vec<Self>> {
        if !runs.exists() {
            return Ok(Vec::new());
        }
        check_no_run(runs)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(runs).map_err(CoreError::io("read", runs))? {
            let root = entry.map_err(CoreError::io("read", runs))?.path();
            let run = RunDir { root };
            if run.config().is_file() {
                found.push(run);
            }
        }
        // One whose configuration cannot be read is the newest of none.
        let started =
            |run: &RunDir| RunConfig::read(&run.config()).ok().and_then(|config| Some(config.facts?.started));
        found.sort_by_cached_key(|run| (started(run), run.name()));
        Ok(found)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Its last component.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or(self.root.as_os_str()).to_string_lossy().into_owned()
    }

    /// `config.toml`: the resolved configuration and what was found.
    pub fn config(&self) -> PathBuf {
        self.root.join(RunConfig::FILE_NAME)
    }

    /// `manifest.json`: the photos of this run.
    pub fn manifest(&self) -> PathBuf {
        self.root.join(Manifest::FILE_NAME)
    }

    /// `metrics.jsonl`: a line per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// `evaluation.json`: metrics and intervals. It is written last: a run that has it is finished.
    pub fn evaluation(&self) -> PathBuf {
        self.root.join("evaluation.json")
    }

    /// Takes the run for this process alone, to train it: `.lock`, which goes with the value. None while another process has it.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the directory is not writable.
    pub fn lock(&self) -> Result<Option<Lock>> {
        let path = self.root.join(".lock");
        Lock::try_acquire(&path).map_err(CoreError::io("write", path))
    }

    /// Whether `evaluation.json` is there.
    pub fn is_finished(&self) -> bool {
        self.evaluation().is_file()
    }

    /// Refuses a run that is not finished.
    ///
    /// # Errors
    ///
    /// [`CoreError::Unfinished`].
    pub fn check_finished(&self) -> Result<()> {
        match self.is_finished() {
            true => Ok(()),
            false => Err(CoreError::Unfinished { run: self.root.clone() }),
        }
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// Weights of the best epoch, in timm's names.
    pub fn best_weights(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Weights of the last finished epoch, in timm's names.
    pub fn last_weights(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
    }

    /// What resuming needs besides the weights.
    pub fn last_state(&self) -> PathBuf {
        self.checkpoints().join("last.state.safetensors")
    }

    /// The folder of predictions.
    pub fn predictions_dir(&self) -> PathBuf {
        self.root.join("predictions")
    }

    /// `predictions/<split>.jsonl`.
    pub fn predictions(&self, split: Split) -> PathBuf {
        self.predictions_dir().join(format!("{split}.jsonl"))
    }

    /// Reads `predictions/<split>.jsonl` and holds it to the manifest: every photo of the split once, in its order, under its
    /// label. None where the split was not predicted.
    ///
    /// # Errors
    ///
    /// [`CoreError::MalformedLine`] for a damaged line, [`CoreError::OtherPredictions`] for other photos than the manifest's,
    /// [`CoreError::Io`] when the file cannot be read.
    pub fn read_predictions(
        &self,
        split: Split,
        class_names: &[String],
        manifest: &Manifest,
    ) -> Result<Option<Vec<PredictionRecord>>> {
        let path = self.predictions(split);
        if !path.exists() {
            return Ok(None);
        }
        let records = read_predictions(&path, class_names)?;
        let photos = manifest.photos.iter().filter(|photo| photo.split == split);
        let expected: Vec<_> = photos.map(|photo| (photo.path.as_str(), photo.label.as_str())).collect();
        let found = records.iter().map(|record| (record.path.as_str(), record.label.as_str()));
        let reason = match found.clone().zip(&expected).position(|(a, b)| a != *b) {
            Some(at) => format!(
                "line {} is {} ({}), expected {} ({})",
                at + 1,
                records[at].path,
                records[at].label,
                expected[at].0,
                expected[at].1
            ),
            None if records.len() != expected.len() => {
                format!("{} lines, expected {}", records.len(), expected.len())
            }
            None => return Ok(Some(records)),
        };
        Err(CoreError::OtherPredictions { path, split, reason })
    }

    /// Writes all lines of `metrics.jsonl`, beside and renamed.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`].
    pub fn write_metrics(&self, epochs: &[EpochRecord]) -> Result<()> {
        files::write_atomically_with(&self.metrics(), |file| {
            for epoch in epochs {
                serde_json::to_writer(&mut *file, epoch)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Reads `metrics.jsonl`.
    ///
    /// # Errors
    ///
    /// [`CoreError::MalformedLine`] for a damaged line, [`CoreError::Io`] when the file cannot be read.
    pub fn read_metrics(&self) -> Result<Vec<EpochRecord>> {
        let path = self.metrics();
        let file = fs::File::open(&path).map_err(CoreError::io("read", &path))?;
        BufReader::new(file)
            .lines()
            .enumerate()
            .map(|(index, line)| {
                let line = line.map_err(CoreError::io("read", &path))?;
                serde_json::from_str(&line).map_err(|error| CoreError::MalformedLine {
                    path: path.clone(),
                    line: index + 1,
                    what: "epoch record",
                    reason: error.to_string(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interpolation, Preprocessing, RunFacts, Strategy};

    #[test]
    fn runs_come_in_the_order_in_which_they_began_whatever_they_are_called() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path();
        for (name, started) in
            [("b", "2026-01-01T00:00:00Z"), ("a", "2026-01-03T00:00:00Z"), ("z", "2026-01-02T00:00:00Z")]
        {
            let preprocessing = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
            let facts = RunFacts { started: started.into(), ..RunFacts::default() };
            let config = RunConfig {
                facts: Some(facts),
                ..RunConfig::published("resnet18".into(), "none".into(), Strategy::Freeze, preprocessing)
            };
            config.write(&RunDir::create(runs, name).unwrap().config()).unwrap();
        }
        let names: Vec<String> = RunDir::list(runs).unwrap().iter().map(RunDir::name).collect();
        assert_eq!(names, ["b", "z", "a"]);
        // A run is no folder of runs, neither to list nor to write into.
        let run = runs.join("a");
        for refused in [RunDir::list(&run).err(), RunDir::create(&run, "new").err()] {
            assert!(matches!(refused, Some(CoreError::RunNotRuns { beside, .. }) if beside == runs));
        }
    }
}
