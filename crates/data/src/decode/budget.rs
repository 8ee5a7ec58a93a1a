//! The memory budget of decoding, shared by all threads. A photo waits while others hold what it
//! needs; a photo that needs more than the whole budget is refused.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::memory::usable_bytes;

/// Unless set otherwise, decoding may take the process's memory divided by this.
const SHARE: u64 = 2;
/// The budget if the system does not report its memory.
const UNKNOWN_BYTES: u64 = 4 << 30;

static OF_PROCESS: OnceLock<Budget> = OnceLock::new();

/// Sets the memory that decoding may take in this process. Call it before the first photo is
/// decoded; later calls change nothing.
pub fn set_memory_budget(bytes: u64) {
    OF_PROCESS.get_or_init(|| Budget::new(bytes));
}

/// Bytes that photos reserve while they are decoded.
#[derive(Debug)]
pub(super) struct Budget {
    total: u64,
    free: Mutex<u64>,
    given_back: Condvar,
}

impl Budget {
    fn new(total: u64) -> Self {
        Self { total, free: Mutex::new(total), given_back: Condvar::new() }
    }

    /// Returns the budget of the process: as set, or half of what the process may use.
    pub(super) fn of_process() -> &'static Self {
        let default = || Self::new(usable_bytes().map_or(UNKNOWN_BYTES, |usable| usable / SHARE));
        OF_PROCESS.get_or_init(default)
    }

    /// Returns the whole budget, in bytes.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Reserves `bytes` as soon as they are free. None if the whole budget is smaller.
    pub(super) fn reserve(&'static self, bytes: u64) -> Option<Reservation> {
        if bytes > self.total {
            return None;
        }
        let mut free = self.lock();
        while *free < bytes {
            free = self.given_back.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Some(Reservation { budget: self, bytes })
    }

    fn give_back(&self, bytes: u64) {
        *self.lock() += bytes;
        self.given_back.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        // Nothing between locking and unlocking can panic.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reserved bytes, given back on drop.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: &'static Budget,
    bytes: u64,
}

impl Reservation {
    /// Gives back all but `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        self.budget.give_back(less);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn threads_never_hold_more_than_the_budget_and_all_come_to_their_turn() {
        let budget: &'static Budget = Box::leak(Box::new(Budget::new(100)));
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for turn in 0..200 {
                        let bytes = 1 + (thread * 37 + turn * 11) % 100;
                        let mut reservation = budget.reserve(bytes).unwrap();
                        let now = held.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(bytes, Ordering::SeqCst);
                        reservation.shrink_to(bytes / 2);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(*budget.lock(), 100);
        assert!(budget.reserve(101).is_none());
    }
}
