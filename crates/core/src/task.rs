//! How a caller stops a long job and learns how far it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::{EpochRecord, Note, RunDir, RunFacts, Settings};

/// The caller stopped a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// What happened in a job.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A message for the user; the job continues.
    Note(&'a Note),
    /// Photos were decoded or checked.
    Photos {
        /// Photos so far.
        done: usize,
        /// All photos.
        of: usize,
    },
    /// Photos went through a network.
    Pass {
        /// Name of the pass, such as `validation`.
        what: &'a str,
        /// Photos so far.
        done: usize,
        /// All photos of the pass.
        of: usize,
    },
    /// A trial of a larger run begins, or is resumed.
    Trial {
        /// Its settings.
        settings: &'a Settings,
    },
    /// A run begins, or is resumed.
    Run {
        /// Its directory.
        run: &'a RunDir,
        /// Its settings.
        settings: &'a Settings,
        /// Its facts.
        facts: &'a RunFacts,
        /// Epochs that are already finished.
        finished_epochs: usize,
    },
    /// A step of a run is done.
    Step {
        /// Counted from 1.
        epoch: usize,
        /// Photos of this epoch so far.
        done: usize,
        /// All photos of the epoch.
        of: usize,
        /// Loss of the step's photos.
        loss: f32,
    },
    /// An epoch of a run is finished and saved.
    Epoch {
        /// Its record.
        record: &'a EpochRecord,
        /// Whether it is the best so far.
        is_best: bool,
    },
    /// The caller of a training left out the test photos: the run is finished without them.
    TestSkipped {
        /// Photos that were not read.
        photos: usize,
    },
    /// A stage of an export begins.
    Stage(Stage),
    /// Photos are missing; the job continues without them.
    PhotosGone(usize),
    /// Bytes were received. Falls when a server starts over.
    Bytes {
        /// Bytes so far, including those of an earlier process.
        so_far: u64,
        /// All bytes, if their number is known.
        total: Option<u64>,
    },
    /// The next of several files begins.
    File {
        /// Its name.
        name: &'a str,
    },
    /// A request failed, and is repeated after a pause.
    Retry {
        /// What failed.
        reason: &'a str,
        /// Length of the pause.
        wait: Duration,
    },
    /// Another process does the same; this one waits for it.
    Waiting,
}

/// A stage of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Runs the trained network on this number of validation photos.
    RunNetwork {
        /// Number of photos.
        photos: usize,
    },
    /// Finds the range of every tensor on this number of training photos.
    Calibrate {
        /// Number of photos.
        photos: usize,
    },
    /// Runs the file on the same photos as the network.
    RunFile,
    /// Finds the layers that lose most in 8 bits.
    FindWorstLayers,
}

/// A job as its caller sees it: the flag that stops it, and the receiver of its events.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    stop: &'a AtomicBool,
    on: &'a (dyn Fn(Event<'_>) + Sync),
}

impl<'a> Task<'a> {
    /// A job that ends soon after `stop` is set, and calls `on` for every event. Events are many,
    /// and come from several threads.
    pub fn new(stop: &'a AtomicBool, on: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        Task { stop, on }
    }

    /// A job without a stop flag and without a listener.
    pub fn unwatched() -> Task<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Task { stop: &NEVER, on: &|_| {} }
    }

    /// Whether the caller stopped the job.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns [`Stopped`] once the caller stopped the job.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }

    /// Tells the caller what happened.
    pub fn tell(&self, event: Event<'_>) {
        (self.on)(event);
    }

    /// Tells the caller a message for the user.
    pub fn note(&self, note: impl Into<Note>) {
        self.tell(Event::Note(&note.into()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_job_is_watched_and_stopped() {
        let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let on = |event: Event<'_>| match event {
            Event::Photos { done, .. } => seen.store(done, Ordering::Relaxed),
            other => panic!("{other:?}"),
        };
        let task = Task::new(&stop, &on);
        task.tell(Event::Photos { done: 3, of: 4 });
        assert_eq!((seen.load(Ordering::Relaxed), task.check()), (3, Ok(())));
        stop.store(true, Ordering::Relaxed);
        assert_eq!((task.check(), Task::unwatched().check()), (Err(Stopped), Ok(())));
    }
}
