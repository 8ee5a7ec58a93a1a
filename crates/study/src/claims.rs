//! Shares the experiments of a study among processes that work in one folder of runs.
//!
//! Before a process begins an experiment it takes the experiment's claim, a locked file under
//! `<runs>/.claims/`, and reads the finished runs again. The system releases the lock of a process
//! that died, so that another takes its experiment over.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use kennel_core::{CoreError, Lock, Settings, Task, Weights, files};

use crate::{Halt, Result, StudyError};

/// How often a process looks whether an experiment of another is done.
const POLL: Duration = Duration::from_millis(250);

/// The claims in a folder of runs.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    /// Of the photos and their division.
    manifest_sha256: String,
}

/// An experiment that no other process begins while this value lives.
#[derive(Debug)]
pub struct Claim {
    lock: Option<Lock>,
    folder: PathBuf,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.lock = None;
        // The last one leaves no folder; while others have claims in it, it stays.
        let _ = fs::remove_dir(&self.folder);
    }
}

impl Claims {
    /// The claims of studies on the photos with this manifest.
    pub fn new(runs: &Path, manifest_sha256: &str) -> Self {
        Self { folder: runs.join(".claims"), manifest_sha256: manifest_sha256.into() }
    }

    /// Claims the experiment with these settings. Returns `None` while another process has it.
    ///
    /// # Errors
    ///
    /// A folder that cannot be written; [`StudyError::NoLocks`] where the file system has no locks.
    pub fn of_experiment(&self, settings: &Settings) -> Result<Option<Claim>> {
        self.take(&without_paths(settings))
    }

    /// Claims the convex head of this experiment of `auto`. Waits for a process that fits it.
    ///
    /// # Errors
    ///
    /// As [`Claims::of_experiment`]; [`StudyError::Stopped`].
    pub fn of_head(&self, settings: &Settings, label: &str, task: Task<'_>) -> Result<Claim> {
        self.wait_for(&format!("head\n{}", without_paths(settings)), label, task)
    }

    /// Claims the untouched head of a network. Waits for a process that scores it.
    ///
    /// # Errors
    ///
    /// As [`Claims::of_head`].
    pub fn of_baseline(&self, weights: &str, label: &str, task: Task<'_>) -> Result<Claim> {
        self.wait_for(&format!("baseline\n{weights}"), label, task)
    }

    /// Claims the report and the exported file. Returns `None` while another process makes them.
    ///
    /// # Errors
    ///
    /// As [`Claims::of_experiment`].
    pub fn of_report(&self) -> Result<Option<Claim>> {
        self.take("report")
    }

    fn wait_for(&self, what: &str, label: &str, task: Task<'_>) -> Result<Claim> {
        loop {
            if let Some(claim) = self.take(what)? {
                return Ok(claim);
            }
            wait(label, task)?;
        }
    }

    fn take(&self, what: &str) -> Result<Option<Claim>> {
        let name = files::sha256_bytes(format!("{}\n{what}", self.manifest_sha256).as_bytes());
        let path = self.folder.join(format!("{}.lock", &name[..32]));
        let lock = loop {
            files::create_dir_all(&self.folder)?;
            match Lock::try_acquire(&path) {
                // Whoever gave up the last claim has just removed the folder.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                lock => break lock.map_err(CoreError::io("lock", &path))?,
            }
        };
        match lock {
            Some(lock) if !lock.is_held() => Err(StudyError::NoLocks(self.folder.clone())),
            lock => Ok(lock.map(|lock| Claim { lock: Some(lock), folder: self.folder.clone() })),
        }
    }
}

/// The settings that tell experiments apart. Paths may be spelt in several ways: experiments that
/// differ in their weights alone wait for each other, which costs time and nothing else.
fn without_paths(settings: &Settings) -> String {
    let bare = Settings { data_dir: String::new(), weights: Weights::Random, ..settings.clone() };
    toml::to_string(&bare).expect("settings can be written as TOML")
}

/// Waits before another look at what others do. `label` names the experiment.
///
/// # Errors
///
/// [`StudyError::Stopped`].
pub fn wait(label: &str, task: Task<'_>) -> Result<()> {
    thread::sleep(POLL);
    task.check().map_err(|_| Halt::Waiting { label: label.into() }.into())
}

#[cfg(test)]
mod tests {
    use kennel_core::{Interpolation, Preprocessing, Strategy};

    use super::*;

    #[test]
    fn an_experiment_is_claimed_once_wherever_its_paths_lead() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::new(folder.path(), "photos");
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let model = "resnet18".into();
        let settings =
            Settings::published(model, "a/weights".into(), Strategy::Freeze, preprocessing);
        let elsewhere = Settings { weights: "../a/weights".into(), ..settings.clone() };
        let other = Settings { seed: 7, ..settings.clone() };

        let claim = claims.of_experiment(&settings).unwrap();
        assert!(claim.is_some());
        assert!(claims.of_experiment(&elsewhere).unwrap().is_none());
        assert!(claims.of_experiment(&other).unwrap().is_some());
        assert!(Claims::new(folder.path(), "others").of_experiment(&settings).unwrap().is_some());
        drop(claim);
        assert!(claims.of_experiment(&elsewhere).unwrap().is_some());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_process_that_waits_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::new(folder.path(), "photos");
        let _held = claims.of_baseline("weights", "resnet18", Task::unwatched()).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(true);
        let on = |_: kennel_core::task::Event<'_>| {};
        let stopped = claims.of_baseline("weights", "resnet18", Task::new(&stop, &on));
        let halted = matches!(
            stopped,
            Err(StudyError::Stopped(Halt::Waiting { label })) if label == "resnet18"
        );
        assert!(halted);
    }
}
