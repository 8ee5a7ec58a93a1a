//! How a caller observes a run and stops it.

use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::{EpochRecord, Note};

use crate::Plan;

/// Receives the events of a run. Every method has an empty default. (`Send`, because several
/// threads report progress on photos.)
pub trait Observer: Send {
    /// A message for the user.
    fn note(&mut self, _note: &Note) {}
    /// The run is about to begin.
    fn plan(&mut self, _plan: &Plan) {}
    /// A step is done: photos of this epoch so far, all photos of the epoch, loss of the last
    /// batch. Epochs count from 1.
    fn step(&mut self, _epoch: usize, _photos: usize, _of: usize, _loss: f32) {}
    /// Photos are being checked or predicted: photos so far, and all of them.
    fn predicting(&mut self, _what: &str, _photos: usize, _of: usize) {}
    /// An epoch is finished. `is_best`: it is the best so far.
    fn epoch(&mut self, _record: &EpochRecord, _is_best: bool) {}
}

/// An observer that ignores all events.
pub struct Silent;

impl Observer for Silent {}

/// Observes a run and stops it.
pub struct Control<'a> {
    /// Set to true to stop at the next step. The last finished epoch stays saved.
    pub stop: &'a AtomicBool,
    /// Receives the run's events.
    pub observer: &'a mut dyn Observer,
}

impl Control<'_> {
    /// Whether the caller asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
