//! Adds gradients in place when a tensor has two consumers, such as a residual branch and its
//! shortcut.
//!
//! Burn adds the two gradients with its own operation, on one thread and, channels last, into new
//! memory. This module remembers which tensors have received a gradient, so that the second one can
//! be added to it in place.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Process-wide unique identifiers of tensors that have received a gradient and not yet passed it
/// on.
static WAITING: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// More entries than any network needs at once. Gradients that Burn's own operations pass on are
/// never removed, so the set is cleared when it grows beyond this. Burn then adds the gradients
/// that it no longer knows about.
const MOST: usize = 4096;

fn lock() -> MutexGuard<'static, BTreeSet<u64>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the tensor has already received a gradient. Marks it as having one.
pub fn is_second(id: u64) -> bool {
    let mut waiting = lock();
    if waiting.len() > MOST {
        waiting.clear();
    }
    !waiting.insert(id)
}

/// Marks the gradient of the tensor as passed on.
pub fn leave(id: u64) {
    lock().remove(&id);
}
