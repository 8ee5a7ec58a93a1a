//! A run directory: the paths of its files, and how they are read.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::ops::Not;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::prediction::parse_predictions;
use crate::sums::{self, Sums};
use crate::{
    AutoRecord, Changes, CoreError, LearningCurveRecord, Lock, Manifest, PredictionRecord, Result,
    RunFacts, RunRecord, SearchRecord, Split, files,
};

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean training loss over the epoch, on the photos as they were trained on, in nats per image.
    pub train_loss: f64,
    /// Share of the training photos classified correctly, in [0, 1]. None if photos were mixed:
    /// then they have no one class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Whether photos and their labels were mixed (MixUp, CutMix). `train_loss` is then that of the
    /// mixed labels.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub mixed_labels: bool,
    /// Validation loss after the epoch, in nats per image, if there are validation photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    /// Validation accuracy after the epoch, in [0, 1], if there are validation photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// `rms(w - w0) / rms(w0)` over the head's weights and bias.
    pub head_update_ratio: f64,
    /// Seconds of training so far, summed over all resumes.
    pub elapsed_s: f64,
    /// Training photos per second in this epoch, loading included.
    pub images_per_s: f64,
    /// Peak resident memory of the process so far.
    pub peak_rss_bytes: u64,
}

/// The directory of one run: `<runs>/<stamp>-<model>-<strategy>-s<seed>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

/// Refuses a run directory where a folder of runs is expected. A `config.toml` alone does not make
/// a run: users may keep one of their own beside their runs.
fn check_no_run(runs: &Path) -> Result<()> {
    match RunDir::open(runs) {
        Ok(run) if run.predictions_dir().is_dir() => {
            // `.` and `..` have no file name; resolve them to find the parent folder.
            let whole = match runs.file_name() {
                Some(_) => runs.into(),
                None => fs::canonicalize(runs).unwrap_or_else(|_| runs.into()),
            };
            Err(CoreError::RunNotRuns {
                path: runs.into(),
                beside: files::folder_of(&whole).into(),
            })
        }
        _ => Ok(()),
    }
}

impl RunDir {
    /// Begins a run: creates its directory as [`RunDir::create`] does, locks it for this process,
    /// and lets `fill` write its first files, `config.toml` last. A directory without `config.toml`
    /// is not a run yet. It is removed when `begin` fails; directories that killed processes left
    /// half-made under `runs` are removed first.
    ///
    /// # Errors
    ///
    /// As [`RunDir::create`]; errors of `fill`.
    pub fn begin<E: From<CoreError>>(
        runs: &Path,
        name: &str,
        fill: impl FnOnce(&RunDir, &mut Changes) -> Result<(), E>,
    ) -> Result<(Self, Option<Lock>), E> {
        check_no_run(runs)?;
        files::create_dir_all(runs)?;
        let births = Lock::of_folder(runs);
        if births.is_held() {
            clear_unborn(runs)?;
        }
        let run = Self::create(runs, name)?;
        let filled = run.lock().map_err(E::from).and_then(|lock| {
            let mut changes = run.changes()?;
            fill(&run, &mut changes)?;
            changes.commit()?;
            Ok(lock)
        });
        match filled {
            Ok(lock) => Ok((run, lock)),
            Err(error) => {
                // If this fails, the next run that begins here removes the directory.
                let _ = fs::remove_dir_all(&run.root);
                Err(error)
            }
        }
    }

    /// Creates `<runs>/<name>` with its subfolders. If the name is taken, tries `<name>-2`,
    /// `<name>-3` and so on.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when `runs` is not writable; [`CoreError::RunNotRuns`] when it is itself a
    /// run.
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

    /// Opens an existing run directory.
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
                reason: format!("it holds no {}", RunRecord::FILE_NAME),
            });
        }
        Ok(run)
    }

    /// The directory of a run that another process writes, maybe on another machine.
    pub fn of_another(root: impl Into<PathBuf>) -> Self {
        RunDir { root: root.into() }
    }

    /// Returns the run that `file` is a checkpoint of, and the canonical path of `file` in that
    /// run. `None` when it is not a checkpoint of a run.
    pub fn of_checkpoint(file: &Path) -> Option<(Self, PathBuf)> {
        let file = fs::canonicalize(file).ok()?;
        let run = RunDir::open(file.parent()?.parent()?).ok()?;
        [run.best_weights(), run.last_weights(), run.last_state(), run.unknown()]
            .contains(&file)
            .then_some((run, file))
    }

    /// Lists every run under `runs`, ordered by the start time in its configuration: names may have
    /// changed since. Returns an empty list when the folder does not exist.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the folder cannot be listed; [`CoreError::RunNotRuns`] when it is
    /// itself a run.
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
        // Runs with an unreadable config sort first.
        let started = |run: &RunDir| run.read_record().ok().map(|record| record.facts.started);
        found.sort_by_cached_key(|run| (started(run), run.name()));
        Ok(found)
    }

    /// Path of the run directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Last component of the path.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or(self.root.as_os_str()).to_string_lossy().into_owned()
    }

    /// Path of `config.toml`: the resolved configuration and the facts recorded at the start.
    pub fn config(&self) -> PathBuf {
        self.root.join(RunRecord::FILE_NAME)
    }

    /// Path of `manifest.json`: the photos of this run.
    pub fn manifest(&self) -> PathBuf {
        self.root.join(Manifest::FILE_NAME)
    }

    /// Path of `metrics.jsonl`: one line per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// Path of `auto.json`: what a run of the strategy `auto` tried.
    pub fn auto(&self) -> PathBuf {
        self.root.join(AutoRecord::FILE_NAME)
    }

    /// Path of `learning_curve.json`: what more photos would bring.
    pub fn learning_curve(&self) -> PathBuf {
        self.root.join(LearningCurveRecord::FILE_NAME)
    }

    /// Reads `learning_curve.json`. Returns `None` when the run has no such file.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_file`]; [`CoreError::Malformed`].
    pub fn read_learning_curve(&self) -> Result<Option<LearningCurveRecord>> {
        let path = self.learning_curve();
        if !path.exists() {
            return Ok(None);
        }
        LearningCurveRecord::parse(&self.read_file(&path)?, &path).map(Some)
    }

    /// Path of `search.json`: the trials of a search.
    pub fn search(&self) -> PathBuf {
        self.root.join(SearchRecord::FILE_NAME)
    }

    /// Folder of the trials of the strategy `auto`, or of a search, each a run of its own.
    pub fn trials(&self) -> PathBuf {
        self.root.join("trials")
    }

    /// Folder of the folds of a cross-validated run, each a run of its own.
    pub fn folds(&self) -> PathBuf {
        self.root.join("folds")
    }

    /// Folder of the runs that train the network of a cross-validated run, or train that of another
    /// run again, on all training and validation photos.
    pub fn refit(&self) -> PathBuf {
        self.root.join("refit")
    }

    /// Path of the picture that shows where the network looks in a photo:
    /// `heat_maps/<split>/<path of the photo>.png`. `None` if the photo's path leads out of that
    /// folder. The pictures are derived: they carry no digest, and go when the run is trained
    /// further.
    pub fn heat_map(&self, split: Split, photo: &str) -> Option<PathBuf> {
        let folder = self.root.join(sums::HEAT_MAPS).join(split.as_str());
        files::stays_inside(photo).then(|| folder.join(format!("{photo}.png")))
    }

    /// Path of `photo_features.safetensors`: what the network sees in the photos of its data set,
    /// to find those that are alike. Derived, as [`RunDir::heat_map`].
    pub fn photo_features(&self) -> PathBuf {
        self.root.join(sums::PHOTO_FEATURES)
    }

    /// Path of `photo_map.json`: a map of the photos. Derived, as [`RunDir::heat_map`].
    pub fn photo_map(&self) -> PathBuf {
        self.root.join(sums::PHOTO_MAP)
    }

    /// Path of `evaluation.json`: metrics and intervals. It is written last, so a run that has it
    /// is finished.
    pub fn evaluation(&self) -> PathBuf {
        self.root.join("evaluation.json")
    }

    /// Locks the run for this process, to train it. The lock file `.lock` is removed when the value
    /// is dropped. Returns `None` while another process holds the lock. Finishes the committed
    /// changes of a process that was killed, and removes its uncommitted files.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the directory is not writable; a damaged `SHA256SUMS`.
    pub fn lock(&self) -> Result<Option<Lock>> {
        let path = self.root.join(".lock");
        let lock = Lock::try_acquire(&path).map_err(CoreError::io("write", path))?;
        if let Some(lock) = &lock {
            sums::recover(&self.root, lock.is_held())?;
        }
        Ok(lock)
    }

    /// Recovers the files and removes the `.lock` that a killed process left. Does nothing to a run
    /// that another process is training, or that is not writable.
    pub fn tidy(&self) {
        if self.root.join(".lock").exists() {
            drop(self.lock());
        }
    }

    /// Begins to change files of the run. The caller must hold the lock.
    ///
    /// # Errors
    ///
    /// A damaged `SHA256SUMS`.
    pub fn changes(&self) -> Result<Changes> {
        Changes::of(&self.root)
    }

    /// Reads a file of the run and checks its digest.
    ///
    /// # Errors
    ///
    /// [`CoreError::Damaged`] when the file differs from what was written; [`CoreError::Io`] when
    /// it cannot be read.
    ///
    /// # Panics
    ///
    /// When `path` is outside the run directory.
    pub fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let name = path.strip_prefix(&self.root).expect("a file of this run");
        sums::read(&self.root, &files::with_slashes(name))
    }

    /// Whether the run has a `SHA256SUMS`. Earlier versions of Kennel did not write one.
    pub fn has_digests(&self) -> bool {
        self.root.join(sums::FILE_NAME).exists()
    }

    /// Checks the digest of every listed file. Skips files that are missing.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_file`].
    pub fn check_files(&self) -> Result<()> {
        let sums = Sums::read(&self.root)?.unwrap_or_default();
        for path in sums.names().map(|name| self.root.join(name)).filter(|path| path.exists()) {
            self.read_file(&path)?;
        }
        Ok(())
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_file`]; [`CoreError::Malformed`].
    pub fn read_record(&self) -> Result<RunRecord> {
        let path = self.config();
        RunRecord::parse(&files::as_text(self.read_file(&path)?, &path)?, &path)
    }

    /// Reads `manifest.json`.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_file`]; [`CoreError::Malformed`].
    pub fn read_manifest(&self) -> Result<Manifest> {
        let path = self.manifest();
        Manifest::parse(&files::as_text(self.read_file(&path)?, &path)?, &path)
    }

    /// Returns the digest of the run's photos, apart from their division. Takes it from the run's
    /// `facts`, or from its manifest if an earlier version wrote them.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_manifest`].
    pub fn photos_sha256(&self, facts: &RunFacts) -> Result<String> {
        match &facts.photos_sha256 {
            Some(digest) => Ok(digest.clone()),
            None => Ok(self.read_manifest()?.photos_sha256()),
        }
    }

    /// Whether `evaluation.json` exists.
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

    /// Path of the folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// Path of the best epoch's weights, under timm's names.
    pub fn best_weights(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Path of the last finished epoch's weights, under timm's names.
    pub fn last_weights(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
    }

    /// Path of the other state that resuming needs besides the weights.
    pub fn last_state(&self) -> PathBuf {
        self.checkpoints().join("last.state.safetensors")
    }

    /// Path of what tells photos of none of the classes.
    pub fn unknown(&self) -> PathBuf {
        self.checkpoints().join("unknown.safetensors")
    }

    /// Path of the folder of predictions.
    pub fn predictions_dir(&self) -> PathBuf {
        self.root.join("predictions")
    }

    /// Path of `predictions/<split>.jsonl`.
    pub fn predictions(&self, split: Split) -> PathBuf {
        self.predictions_dir().join(format!("{split}.jsonl"))
    }

    /// Reads `predictions/<split>.jsonl` and checks it against the manifest: every photo of the
    /// split once, in the manifest's order, with its label. Returns `None` when the split has no
    /// predictions.
    ///
    /// # Errors
    ///
    /// [`CoreError::MalformedLine`] for a damaged line; [`CoreError::OtherPredictions`] when the
    /// photos differ from the manifest's; [`CoreError::Io`] when the file cannot be read.
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
        let records = parse_predictions(&self.read_file(&path)?, &path, class_names)?;
        check_photos(&records, &[split], manifest, &path)?;
        Ok(Some(records))
    }

    /// Path of `predictions/out_of_fold.jsonl`: of each photo the prediction of a network that was
    /// trained without it.
    pub fn out_of_fold(&self) -> PathBuf {
        self.predictions_dir().join("out_of_fold.jsonl")
    }

    /// Reads `predictions/out_of_fold.jsonl` and checks it against the manifest: every photo of
    /// those splits that occur in it once, in the manifest's order, with its label. Returns `None`
    /// when the run has no such file.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_predictions`].
    pub fn read_out_of_fold(
        &self,
        class_names: &[String],
        manifest: &Manifest,
    ) -> Result<Option<Vec<PredictionRecord>>> {
        let path = self.out_of_fold();
        if !path.exists() {
            return Ok(None);
        }
        let records = parse_predictions(&self.read_file(&path)?, &path, class_names)?;
        let paths: HashSet<&str> = records.iter().map(|record| record.path.as_str()).collect();
        let occurs = |split: &Split| {
            let mut of_split = manifest.photos.iter().filter(|photo| photo.split == *split);
            of_split.any(|photo| paths.contains(photo.path.as_str()))
        };
        let splits: Vec<Split> = Split::ALL.into_iter().filter(occurs).collect();
        check_photos(&records, &splits, manifest, &path)?;
        Ok(Some(records))
    }

    /// Reads the predictions that the temperature is fitted to: those of the validation photos, or,
    /// in a cross-validated run, which trained on these, those out of fold. Returns `None` when the
    /// run does not have them.
    ///
    /// # Errors
    ///
    /// As [`RunDir::read_record`] and [`RunDir::read_predictions`].
    pub fn read_calibration(
        &self,
        class_names: &[String],
        manifest: &Manifest,
    ) -> Result<Option<Vec<PredictionRecord>>> {
        match self.read_record()?.settings.folds {
            None => self.read_predictions(Split::Val, class_names, manifest),
            Some(_) => self.read_out_of_fold(class_names, manifest),
        }
    }

    /// Reads `metrics.jsonl`.
    ///
    /// # Errors
    ///
    /// [`CoreError::MalformedLine`] for a damaged line; as [`RunDir::read_file`].
    pub fn read_metrics(&self) -> Result<Vec<EpochRecord>> {
        let path = self.metrics();
        let text = files::as_text(self.read_file(&path)?, &path)?;
        let parse = |(index, line)| {
            serde_json::from_str(line).map_err(|error| CoreError::MalformedLine {
                path: path.clone(),
                line: index + 1,
                what: "epoch record",
                reason: error.to_string(),
            })
        };
        text.lines().enumerate().map(parse).collect()
    }
}

/// Checks that `records` hold every photo of `splits` once, in the manifest's order, with its
/// label.
fn check_photos(
    records: &[PredictionRecord],
    splits: &[Split],
    manifest: &Manifest,
    path: &Path,
) -> Result<()> {
    let photos = manifest.photos.iter().filter(|photo| splits.contains(&photo.split));
    let expected: Vec<_> =
        photos.map(|photo| (photo.path.as_str(), photo.label.as_str())).collect();
    let found = records.iter().map(|record| (record.path.as_str(), record.label.as_str()));
    let reason = match found.zip(&expected).position(|(a, b)| a != *b) {
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
        None => return Ok(()),
    };
    let photos = splits.iter().map(|split| split.as_str()).collect::<Vec<_>>().join(" and ");
    Err(CoreError::OtherPredictions { path: path.into(), photos, reason })
}

/// Writes all lines of `metrics.jsonl` to a temporary file and renames it into place.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_metrics(path: &Path, epochs: &[EpochRecord]) -> Result<()> {
    files::write_atomically_with(path, |file| {
        for epoch in epochs {
            serde_json::to_writer(&mut *file, epoch)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Removes directories under `runs` whose process ended before the run had begun. The caller holds
/// the lock on `runs`, so no other process begins a run meanwhile.
fn clear_unborn(runs: &Path) -> Result<()> {
    for entry in fs::read_dir(runs).map_err(CoreError::io("read", runs))? {
        let folder = entry.map_err(CoreError::io("read", runs))?.path();
        if folder.is_symlink() || !folder.is_dir() || folder.join(RunRecord::FILE_NAME).exists() {
            continue;
        }
        if is_unborn(&folder).map_err(CoreError::io("read", &folder))? {
            fs::remove_dir_all(&folder).map_err(CoreError::io("remove", &folder))?;
        }
    }
    Ok(())
}

/// Whether a folder without `config.toml` holds only what a run that began leaves behind. A run
/// that lost its `config.toml` holds more.
fn is_unborn(folder: &Path) -> std::io::Result<bool> {
    let names = |folder: &Path| -> std::io::Result<Vec<String>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let is_temporary =
        |name: &String| sums::is_next(name) || name.starts_with(crate::scratch::WRITING);
    let root = names(folder)?;
    let begins = root.iter().any(|name| name == "checkpoints" || name == "predictions");
    // `config.toml` is written last. Without it, its next version exists only while a run begins.
    if begins && sums::next_of(&folder.join(RunRecord::FILE_NAME)).exists() {
        return Ok(true);
    }
    for name in &root {
        let is_empty = match name.as_str() {
            "checkpoints" | "predictions" => names(&folder.join(name))?.iter().all(is_temporary),
            ".lock" | Manifest::FILE_NAME | sums::FILE_NAME => true,
            _ => is_temporary(name),
        };
        if !is_empty {
            return Ok(false);
        }
    }
    Ok(begins || root.is_empty() && is_stamped(folder))
}

/// Whether a folder's name begins with a run's time stamp: `20260207_165541-`.
fn is_stamped(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    name.bytes().map(shape).take(16).eq(*b"00000000_000000-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Interpolation, PhotoRecord, Preprocessing, Settings, Strategy, Weights, write_predictions,
    };

    #[test]
    fn runs_come_in_the_order_in_which_they_began_whatever_they_are_called() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path();
        for (name, started) in [
            ("b", "2026-01-01T00:00:00Z"),
            ("a", "2026-01-03T00:00:00Z"),
            ("z", "2026-01-02T00:00:00Z"),
        ] {
            let preprocessing = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
            let facts = RunFacts { started: started.into(), ..RunFacts::default() };
            let settings = Settings::published(
                "resnet18".into(),
                Weights::Random,
                Strategy::Freeze,
                preprocessing,
            );
            let record = RunRecord { settings, facts };
            record.write(&RunDir::create(runs, name).unwrap().config()).unwrap();
        }
        let names: Vec<String> = RunDir::list(runs).unwrap().iter().map(RunDir::name).collect();
        assert_eq!(names, ["b", "z", "a"]);
        // A run directory is not a folder of runs: it can be neither listed nor written into.
        let run = runs.join("a");
        for refused in [RunDir::list(&run).err(), RunDir::create(&run, "new").err()] {
            assert!(
                matches!(refused, Some(CoreError::RunNotRuns { beside, .. }) if beside == runs)
            );
        }
    }

    #[test]
    fn out_of_fold_predictions_hold_whole_splits() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path(), "run").unwrap();
        let photo = |split: Split, number: usize| PhotoRecord {
            path: format!("{split}/a/{number}.jpg"),
            source: format!("a/{number}.jpg"),
            label: "a".into(),
            split,
            width_px: 64,
            height_px: 64,
            sha256: String::new(),
            group: None,
        };
        let splits = [Split::Test, Split::Train, Split::Train, Split::Val];
        let photos = splits.into_iter().enumerate().map(|(number, split)| photo(split, number));
        let manifest = Manifest {
            version: 1,
            division: "stratified".into(),
            seed: 42,
            grouped_by: None,
            classes: vec!["a".into(), "b".into()],
            photos: photos.collect(),
            rejected: Vec::new(),
            duplicates: Vec::new(),
            notes: Vec::new(),
        };
        let read = || run.read_out_of_fold(&manifest.classes, &manifest);
        assert_eq!(read().unwrap(), None);
        for (numbers, reason) in [
            (&[1, 2, 3][..], None),
            (&[0, 1, 2, 3], None),
            (&[1, 3], Some("line 2 is val/a/3.jpg (a), expected train/a/2.jpg (a)")),
            (&[1, 2, 2, 3], Some("line 3 is train/a/2.jpg (a), expected val/a/3.jpg (a)")),
            (&[2, 1], Some("of manifest.json: line 1")),
            (&[1], Some("the train photos of manifest.json: 1 lines, expected 2")),
        ] {
            let record = |&number: &usize| PredictionRecord {
                path: manifest.photos[number].path.clone(),
                label: "a".into(),
                logits: vec![1.0, 0.0],
            };
            let records: Vec<_> = numbers.iter().map(record).collect();
            write_predictions(&run.out_of_fold(), &records).unwrap();
            match reason {
                None => assert_eq!(read().unwrap().unwrap(), records),
                Some(reason) => {
                    let error = read().unwrap_err().to_string();
                    assert!(error.contains(reason), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_ended_before_it_was_a_run_is_cleared_by_the_next_that_begins_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path();
        let fill = |run: &RunDir, changes: &mut Changes| -> Result<()> {
            changes.write(&run.manifest(), |path| files::write_atomically(path, b"{}"))?;
            changes.write(&run.config(), |path| files::write_atomically(path, b"seed = 1"))
        };
        // Every state in which a process can be killed: before the folders exist, between two
        // files, before the last file is renamed.
        fs::create_dir(runs.join("20260207_165541-resnet18-full-s42")).unwrap();
        RunDir::create(runs, "folders").unwrap();
        let files = RunDir::create(runs, "files").unwrap();
        fs::write(files.manifest(), "{}").unwrap();
        fs::write(files.path().join(".lock"), "").unwrap();
        fs::write(files.checkpoints().join(".writing-abc"), "").unwrap();
        let (named, lock) = RunDir::begin(runs, "named", fill).unwrap();
        drop(lock);
        fs::rename(named.config(), sums::next_of(&named.config())).unwrap();
        // Folders that are not runs, and a run that lost its configuration.
        fs::create_dir(runs.join("notes")).unwrap();
        fs::create_dir_all(runs.join("thesis/checkpoints")).unwrap();
        fs::write(runs.join("thesis/chapter.tex"), "").unwrap();
        let lost = RunDir::create(runs, "lost").unwrap();
        fs::write(lost.best_weights(), "").unwrap();

        let failed = RunDir::begin(runs, "full", |_, _| {
            Err(CoreError::io("write", "x")(std::io::ErrorKind::StorageFull.into()))
        });
        assert!(failed.is_err());
        let (run, lock) = RunDir::begin(runs, "new", fill).unwrap();
        assert!(lock.is_some() && run.lock().unwrap().is_none(), "it is this process's");
        let mut names: Vec<_> =
            fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["lost", "new", "notes", "thesis"]);
        assert_eq!(run.read_file(&run.config()).unwrap(), b"seed = 1");
    }
}
