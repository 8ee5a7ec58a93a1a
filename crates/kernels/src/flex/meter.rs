//! Counts the work of convolutions, fully connected layers on tokens and attention, for benchmarks.

use std::sync::atomic::{AtomicU64, Ordering};

static MULTIPLY_ADDS: AtomicU64 = AtomicU64::new(0);

/// Multiply-adds of all convolutions, fully connected layers on tokens and attentions on the fast
/// path in this process so far, forward and backward. They follow from the definition of a layer,
/// whichever algorithm computes it.
pub fn multiply_adds() -> u64 {
    MULTIPLY_ADDS.load(Ordering::Relaxed)
}

pub fn count_multiply_adds(count: usize) {
    MULTIPLY_ADDS.fetch_add(count as u64, Ordering::Relaxed);
}
