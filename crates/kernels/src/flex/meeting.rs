//! Where a tensor went two ways through a network, two gradients come back to it and are added.
//!
//! Burn adds them by its own operation, on one thread and, channels last, into new memory. Here it is remembered which
//! tensors a gradient has come back to, so that the second can be added to it in place.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Identifiers of tensors, unique in the process, that have a gradient and have not given it on.
static WAITING: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// More than any network has at once. What others' operations give on is never taken out, so that it is cleared now and
/// then; then gradients are added by Burn.
const MOST: usize = 4096;

fn lock() -> MutexGuard<'static, BTreeSet<u64>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a gradient has come back to the tensor already; from now on one has.
pub fn is_second(id: u64) -> bool {
    let mut waiting = lock();
    if waiting.len() > MOST {
        waiting.clear();
    }
    !waiting.insert(id)
}

/// The tensor's gradient is given on.
pub fn leave(id: u64) {
    lock().remove(&id);
}
