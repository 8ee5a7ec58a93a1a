//! The strings that a caller holds: being told, and saying stop.

use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::EpochRecord;

use crate::Plan;

/// What a run tells whoever watches it. Every method may be left out. (`Send`, as photos are looked at by many threads.)
pub trait Observer: Send {
    /// Something worth a sentence.
    fn note(&mut self, _text: &str) {}
    /// What is about to be done.
    fn plan(&mut self, _plan: &Plan) {}
    /// A step was taken: photos of this epoch so far, of all, and the loss of the last batch.
    fn step(&mut self, _epoch: usize, _photos: usize, _of: usize, _loss: f32) {}
    /// Photos are being looked at or predicted: so many of so many.
    fn predicting(&mut self, _what: &str, _photos: usize, _of: usize) {}
    /// An epoch is finished; `is_best` so far.
    fn epoch(&mut self, _record: &EpochRecord, _is_best: bool) {}
}

/// Watches nothing.
pub struct Silent;

impl Observer for Silent {}

/// How a caller watches a run and stops it.
pub struct Control<'a> {
    /// Set to stop at the next step; the last finished epoch stays.
    pub stop: &'a AtomicBool,
    /// Is told what happens.
    pub observer: &'a mut dyn Observer,
}

impl Control<'_> {
    /// Whether to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
