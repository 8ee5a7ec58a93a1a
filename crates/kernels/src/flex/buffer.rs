//! Memory that is used again.
//!
//! A training step asks for the same hundred large arrays every time. Fresh ones come from the operating system page by
//! page, each cleared and mapped on first touch, which costs as much as the arithmetic of a light layer; so freed ones
//! are kept. What is kept hardly grows the process: in use and idle together stay within the most that was ever in use
//! at once, and a little more, because sizes never fit each other exactly.
//!
//! They are mapped from the operating system one by one: what a general allocator is given back in such sizes and such
//! an order, it keeps in fragments (for a ResNet-50, 0.25 GB more; with mimalloc 0.4 GB).

#![allow(unsafe_code)]

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use memmap2::MmapMut;

/// Sizes are whole pages, so that those which differ by a few rows serve each other, and begin with one.
const PAGE: usize = 4096;

/// What may be idle beyond the most that was ever in use.
const SLACK_BYTES: usize = 96 << 20;

/// Some `f32`s: zeros or whatever an earlier owner left, to be written before they are read.
#[derive(Debug)]
pub struct Buffer {
    /// Given back to the pool at the end.
    block: ManuallyDrop<MmapMut>,
    len: usize,
}

impl Buffer {
    /// `len` arbitrary values.
    pub fn new(len: usize) -> Self {
        Self { block: ManuallyDrop::new(lock().take(len * size_of::<f32>())), len }
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(0.0);
        buffer
    }

    /// As the storage of a tensor, returned for reuse when the last tensor on it is dropped.
    pub fn into_bytes(self) -> Bytes {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: the controller owns at least `size_bytes` initialised bytes.
        unsafe { Bytes::from_controller(Box::new(self), size_bytes) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the block is large enough, aligned to a page, of zeros at first, and owned by `self`.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; `&mut self` makes it exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: not used again.
        lock().give_back(unsafe { ManuallyDrop::take(&mut self.block) });
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        PAGE
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: as in `deref_mut`; any byte is a valid `MaybeUninit<u8>`.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), size_bytes) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: as in `deref`.
        Ok(unsafe { std::slice::from_raw_parts(self.block.as_ptr().cast(), size_bytes) })
    }
}

/// Fresh memory: zeros. Pages cost nothing before they are touched.
fn map(size_bytes: usize) -> MmapMut {
    MmapMut::map_anon(size_bytes)
        .unwrap_or_else(|error| panic!("no memory for a tensor of {size_bytes} bytes: {error}"))
}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { idle: Vec::new(), idle_bytes: 0, used_bytes: 0, most_used_bytes: 0 });

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pool {
    /// Oldest first.
    idle: Vec<MmapMut>,
    idle_bytes: usize,
    used_bytes: usize,
    most_used_bytes: usize,
}

impl Pool {
    fn take(&mut self, size_bytes: usize) -> MmapMut {
        let wanted = size_bytes.max(1).next_multiple_of(PAGE);
        let best = (0..self.idle.len())
            .rev()
            .filter(|&i| (wanted..=2 * wanted).contains(&self.idle[i].len()))
            .min_by_key(|&i| self.idle[i].len());
        let block = match best {
            Some(index) => {
                let block = self.idle.remove(index);
                self.idle_bytes -= block.len();
                block
            }
            None => map(wanted),
        };
        self.used_bytes += block.len();
        self.most_used_bytes = self.most_used_bytes.max(self.used_bytes);
        self.evict();
        block
    }

    fn give_back(&mut self, block: MmapMut) {
        self.used_bytes -= block.len();
        self.idle_bytes += block.len();
        self.idle.push(block);
    }

    fn evict(&mut self) {
        while self.used_bytes + self.idle_bytes > self.most_used_bytes + SLACK_BYTES {
            self.idle_bytes -= self.idle.remove(0).len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_idle_hardly_exceeds_what_was_used() {
        let mut pool = Pool { idle: Vec::new(), idle_bytes: 0, used_bytes: 0, most_used_bytes: 0 };
        let small: Vec<MmapMut> = (0..4).map(|_| pool.take(10_000)).collect();
        small.into_iter().for_each(|block| pool.give_back(block));
        assert_eq!((pool.idle.len(), pool.idle_bytes), (4, 4 * 12_288));
        let large = pool.take(SLACK_BYTES);
        assert!(pool.used_bytes + pool.idle_bytes <= pool.most_used_bytes + SLACK_BYTES);
        pool.give_back(large);
        let larger = pool.take(3 * SLACK_BYTES / 2);
        assert!(pool.used_bytes + pool.idle_bytes <= pool.most_used_bytes + SLACK_BYTES);
        assert!(pool.idle_bytes <= SLACK_BYTES);
        pool.give_back(larger);
    }

    #[test]
    fn a_buffer_is_aligned_and_clear_when_asked() {
        Buffer::new(5000).fill(1.0);
        let buffer = Buffer::zeros(5000);
        assert_eq!(buffer.as_ptr() as usize % PAGE, 0);
        assert!(buffer.iter().all(|&x| x == 0.0));
    }
}
