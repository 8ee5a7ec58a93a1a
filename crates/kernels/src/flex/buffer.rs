//! Reuses the memory of tensors.
//!
//! A training step asks for the same hundred large arrays every time. The operating system hands
//! out fresh memory page by page, and clears and maps each page on first touch, which costs as much
//! as the arithmetic of a light layer. So freed blocks are kept. This hardly grows the process:
//! memory in use and idle together stay within the peak in use, plus some slack because sizes never
//! fit exactly.
//!
//! Each block is mapped from the operating system by itself. A general allocator keeps memory in
//! fragments if blocks of such sizes are freed in such an order (0.25 GB more for a ResNet-50; 0.4
//! GB with mimalloc).

#![allow(unsafe_code)]

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use memmap2::MmapMut;

/// Blocks start at a page and are whole pages, so that blocks whose sizes differ by a few rows can
/// replace each other.
const PAGE: usize = 4096;

/// Idle bytes allowed beyond the peak in use.
const SLACK_BYTES: usize = 96 << 20;

/// An array of `f32`. [`Buffer::new`] returns zeros or the values of an earlier owner: write them
/// before reading.
#[derive(Debug)]
pub struct Buffer {
    /// Returned to the pool on drop.
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

    /// Converts the buffer to the storage of a tensor. It returns to the pool when the last tensor
    /// on it is dropped.
    pub fn into_bytes(self) -> Bytes {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: the controller owns at least `size_bytes` initialised bytes.
        unsafe { Bytes::from_controller(Box::new(self), size_bytes) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the block is large enough, page-aligned, initialised with zeros by `map`, and
        // owned by `self`.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: `block` is not used again.
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

    unsafe fn memory_mut(
        &mut self,
        _: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
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

/// Maps fresh memory, filled with zeros. Pages cost nothing before they are touched.
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
