//! How a caller stops a long job and learns how far it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The caller stopped a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// What happened in a job.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Photos were decoded or checked.
    Photos {
        /// Photos so far.
        done: usize,
        /// All photos.
        of: usize,
    },
    /// A stage of the job begins.
    Stage(Stage),
    /// Photos are missing, and the job goes on without them.
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

    /// A job that nobody stops or watches.
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
