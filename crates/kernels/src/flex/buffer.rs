//! Memory that is used again.
//!
//! A training step asks for the same hundred large arrays every time. Fresh ones come from the operating system page by
//! page, each cleared and mapped on first touch, which costs as much as the arithmetic of a light layer; so freed ones
//! are kept. What is kept hardly grows the process: in use and idle together stay within the most that was ever in use
//! at once, and a little more, because sizes never fit each other exactly.

#![allow(unsafe_code)]

use std::alloc;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

/// Alignment of the first element: a cache line, and the widest vector.
const ALIGN: usize = 64;

/// What may be idle beyond the most that was ever in use.
const SLACK_BYTES: usize = 64 << 20;

/// Some `f32`s: zeros or whatever an earlier owner left, to be written before they are read.
#[derive(Debug)]
pub struct Buffer {
    block: Block,
    len: usize,
}

impl Buffer {
    /// `len` arbitrary values.
    pub fn new(len: usize) -> Self {
        Self { block: lock().take(len * size_of::<f32>()), len }
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
        // SAFETY: the block is large enough, aligned, initialised (see `Block::new`), and owned by `self`.
        unsafe { std::slice::from_raw_parts(self.block.first().cast().as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; `&mut self` makes it exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.first().cast().as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        lock().give_back(self.block);
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        ALIGN
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: as in `deref_mut`; any byte is a valid `MaybeUninit<u8>`.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.block.first().cast().as_ptr(), size_bytes) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let size_bytes = self.len * size_of::<f32>();
        // SAFETY: as in `deref`.
        Ok(unsafe { std::slice::from_raw_parts(self.block.first().cast().as_ptr(), size_bytes) })
    }
}

/// A piece of memory from the global allocator, every byte of it initialised. Whoever holds it last frees it.
#[derive(Clone, Copy, Debug)]
struct Block {
    base: NonNull<u8>,
    /// Usable bytes from [`Block::first`].
    capacity: usize,
}

// SAFETY: memory belongs to no thread.
unsafe impl Send for Block {}
// SAFETY: shared references only read.
unsafe impl Sync for Block {}

impl Block {
    fn new(capacity: usize) -> Self {
        let layout = Self::layout(capacity);
        // Zeroed pages cost nothing extra when they come fresh from the system, and every byte is then initialised.
        // SAFETY: the size is not zero.
        let base = unsafe { alloc::alloc_zeroed(layout) };
        match NonNull::new(base) {
            Some(base) => Self { base, capacity },
            None => alloc::handle_alloc_error(layout),
        }
    }

    /// The allocator is asked for a small alignment and the rest is done here: for a large one it would clear the
    /// memory by writing to it.
    fn layout(capacity: usize) -> alloc::Layout {
        alloc::Layout::from_size_align(capacity + ALIGN, 16).expect("a tensor fits the address space")
    }

    fn first(&self) -> NonNull<u8> {
        let offset = self.base.as_ptr().align_offset(ALIGN);
        // SAFETY: `ALIGN` spare bytes were allocated.
        unsafe { self.base.add(offset) }
    }

    fn free(self) {
        // SAFETY: allocated with this layout, and `self` is the last holder.
        unsafe { alloc::dealloc(self.base.as_ptr(), Self::layout(self.capacity)) }
    }
}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { idle: Vec::new(), idle_bytes: 0, used_bytes: 0, most_used_bytes: 0 });

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pool {
    /// Oldest first.
    idle: Vec<Block>,
    idle_bytes: usize,
    used_bytes: usize,
    most_used_bytes: usize,
}

impl Pool {
    fn take(&mut self, size_bytes: usize) -> Block {
        // Pages: sizes that differ by a few rows then serve each other.
        let wanted = size_bytes.max(1).next_multiple_of(4096);
        let best = (0..self.idle.len())
            .rev()
            .filter(|&i| (wanted..=wanted + wanted / 4).contains(&self.idle[i].capacity))
            .min_by_key(|&i| self.idle[i].capacity);
        let block = match best {
            Some(index) => {
                let block = self.idle.remove(index);
                self.idle_bytes -= block.capacity;
                block
            }
            None => Block::new(wanted),
        };
        self.used_bytes += block.capacity;
        self.most_used_bytes = self.most_used_bytes.max(self.used_bytes);
        self.evict();
        block
    }

    fn give_back(&mut self, block: Block) {
        self.used_bytes -= block.capacity;
        self.idle_bytes += block.capacity;
        self.idle.push(block);
    }

    fn evict(&mut self) {
        while self.used_bytes + self.idle_bytes > self.most_used_bytes + SLACK_BYTES {
            let oldest = self.idle.remove(0);
            self.idle_bytes -= oldest.capacity;
            oldest.free();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_idle_hardly_exceeds_what_was_used() {
        let mut pool = Pool { idle: Vec::new(), idle_bytes: 0, used_bytes: 0, most_used_bytes: 0 };
        let small: Vec<Block> = (0..4).map(|_| pool.take(10_000)).collect();
        small.into_iter().for_each(|block| pool.give_back(block));
        assert_eq!((pool.idle.len(), pool.idle_bytes), (4, 4 * 12_288));
        let large = pool.take(SLACK_BYTES);
        assert!(pool.used_bytes + pool.idle_bytes <= pool.most_used_bytes + SLACK_BYTES);
        pool.give_back(large);
        let larger = pool.take(3 * SLACK_BYTES / 2);
        assert!(pool.used_bytes + pool.idle_bytes <= pool.most_used_bytes + SLACK_BYTES);
        assert!(pool.idle_bytes <= SLACK_BYTES);
        pool.give_back(larger);
        pool.idle.drain(..).for_each(Block::free);
    }

    #[test]
    fn a_buffer_is_aligned_and_clear_when_asked() {
        Buffer::new(5000).fill(1.0);
        let buffer = Buffer::zeros(5000);
        assert_eq!(buffer.as_ptr() as usize % ALIGN, 0);
        assert!(buffer.iter().all(|&x| x == 0.0));
    }
}
