//! A finished run.

use std::path::Path;

use kennel_core::{RunDir, Task};
use kennel_export::{ExportOptions, export};
use kennel_metrics::{Evaluation, RunEvaluation};
use kennel_train::evaluate_run;

use crate::{Accuracy, Error, Result};

/// A trained network and its results: a directory of plain files.
#[derive(Clone, Debug)]
pub struct Run {
    dir: RunDir,
    evaluation: RunEvaluation,
}

impl Run {
    pub(crate) fn new(dir: RunDir, evaluation: RunEvaluation) -> Self {
        Self { dir, evaluation }
    }

    /// Opens the directory of a finished run, and computes its results from its predictions.
    ///
    /// # Errors
    ///
    /// A directory that is no run; a run that is not finished or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let dir = RunDir::open(path.as_ref()).map_err(Error::of)?;
        let evaluation = evaluate_run(&dir).map_err(Error::of)?;
        Ok(Self { dir, evaluation })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The epoch with the best validation accuracy, counted from 1. Its weights are the run's.
    pub fn best_epoch(&self) -> Option<usize> {
        self.evaluation.best_epoch
    }

    /// Accuracy on the validation photos, which chose the epoch.
    pub fn validation(&self) -> Option<Accuracy> {
        accuracy(&self.evaluation.val)
    }

    /// Accuracy on the test photos, which were read once, by the best epoch. None without any.
    pub fn test(&self) -> Option<Accuracy> {
        accuracy(&self.evaluation.test)
    }

    /// Writes the network as one ONNX file, with class names and preprocessing inside. The file
    /// gets its name after it was compared with the network on the run's validation photos. Returns
    /// its accuracy on them.
    ///
    /// # Errors
    ///
    /// Photos of the run that are missing or have changed, a file that differs from the network or
    /// cannot be written. An existing file then stays.
    pub fn export(&self, path: impl AsRef<Path>) -> Result<Accuracy> {
        let options = ExportOptions::float(path.as_ref().into());
        let exported = export(&self.dir, &options, &|error| error.to_string(), Task::unwatched());
        let parity = exported.map_err(Error::of)?.parity;
        // Without a runtime, the export is an error.
        let accuracy =
            parity.runtimes.first().map_or(parity.network_accuracy, |found| found.accuracy);
        Ok(Accuracy::of(accuracy))
    }
}

fn accuracy(evaluation: &Option<Evaluation>) -> Option<Accuracy> {
    evaluation.as_ref().map(|evaluation| Accuracy::of(evaluation.accuracy))
}
