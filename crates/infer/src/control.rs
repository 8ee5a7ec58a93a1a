//! How a caller observes inference and stops it.

use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::Note;

/// Receives the events of opening and predicting photos. Every method has an empty default.
/// (`Send`, because several threads report progress on photos.)
pub trait PhotoObserver: Send {
    /// A message for the user.
    fn note(&mut self, _note: &Note) {}
    /// Photos are being checked or predicted: photos so far, and all of them.
    fn predicting(&mut self, _what: &str, _photos: usize, _of: usize) {}
}

/// Observes inference and stops it.
pub struct Control<'a> {
    /// Set to true to stop at the next batch.
    pub stop: &'a AtomicBool,
    /// Receives the events.
    pub observer: &'a mut dyn PhotoObserver,
}

impl Control<'_> {
    /// Whether the caller asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
