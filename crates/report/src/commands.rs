//! What the program around a report words: commands that a reader may copy, and errors with hints.

use std::path::Path;

use kennel_core::hint::Hinted;

use crate::FinishedRun;

/// The words of the program that makes a report. The report names no command and no flag itself.
pub trait Commands {
    /// The command that repeats a run.
    fn reproduce(&self, run: &FinishedRun) -> String;
    /// The command that scores the untouched head of a run's network on the run's photos and stores
    /// the result in the same folder of runs.
    fn zero_shot(&self, run: &FinishedRun) -> String;
    /// The command that labels photos with a run's network.
    fn predict(&self, run: &FinishedRun) -> String;
    /// The command that writes a run's network as one file for other programs.
    fn export(&self, run: &FinishedRun) -> String;
    /// The command that looks for wrong labels among the photos of a run, and leaves what it finds
    /// in `out`, beside the report.
    fn audit(&self, run: &FinishedRun, out: &Path) -> String;
    /// One of the names that a sentence may need.
    fn name(&self, of: Named) -> &'static str;
    /// An error with its hints.
    fn describe(&self, error: &dyn Hinted) -> String;
}

/// What a sentence of a report may have to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The command that prepares photos.
    Prepare,
    /// The command that makes this report.
    Report,
    /// The command that scores untouched heads.
    ZeroShot,
    /// The setting that maps a class to one of ImageNet's.
    Synset,
    /// [`Named::Synset`] with an example.
    SynsetExample,
    /// The setting for a new view of each photo in every epoch.
    FreshViews,
}

/// The words for a reader without commands, such as a notebook: they name what a run holds.
#[derive(Clone, Copy, Debug)]
pub struct NoCommands;

impl Commands for NoCommands {
    fn reproduce(&self, run: &FinishedRun) -> String {
        format!("train with the settings in {}", run.dir.config().display())
    }

    fn zero_shot(&self, run: &FinishedRun) -> String {
        format!("score the untouched head of {}", run.settings().model)
    }

    fn predict(&self, run: &FinishedRun) -> String {
        format!("label photos with {}", run.dir.path().display())
    }

    fn export(&self, run: &FinishedRun) -> String {
        format!("export {}", run.dir.path().display())
    }

    fn audit(&self, run: &FinishedRun, out: &Path) -> String {
        format!("audit the labels of {} into {}", run.dir.path().display(), out.display())
    }

    fn name(&self, of: Named) -> &'static str {
        match of {
            Named::Prepare => "preparing the photos",
            Named::Report => "making the report",
            Named::ZeroShot => "scoring the untouched head",
            Named::Synset => "a synset",
            Named::SynsetExample => "a synset for the class",
            Named::FreshViews => "no cached views",
        }
    }

    fn describe(&self, error: &dyn Hinted) -> String {
        error.to_string()
    }
}
