//! Runs a function on micro-batches.

use std::array;

use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex;

/// Values of several photos, which can be split into parts of a few photos each.
pub trait Batch: Sized + Send {
    /// Number of photos.
    fn photos(&self) -> usize;

    /// Whether it lies on the CPU and nothing is differentiated.
    fn is_plain_on_cpu(&self) -> bool;

    /// Splits it into parts of `photos` photos; the last part may have fewer.
    fn into_parts(self, photos: usize) -> Vec<Self>;

    /// Joins parts in their order.
    fn join(parts: Vec<Self>) -> Self;
}

impl<const D: usize> Batch for Tensor<D> {
    fn photos(&self) -> usize {
        self.dims()[0]
    }

    fn is_plain_on_cpu(&self) -> bool {
        flex::takes(self) && flex::is_plain(self)
    }

    fn into_parts(self, photos: usize) -> Vec<Self> {
        self.split(photos, 0)
    }

    fn join(parts: Vec<Self>) -> Self {
        if D != 4 {
            return Tensor::cat(parts, 0);
        }
        // Concatenate in memory order: feature maps have their channels last.
        let channels_last = array::from_fn(|axis| [0, 2, 3, 1][axis]);
        let channels_first = array::from_fn(|axis| [0, 3, 1, 2][axis]);
        let parts = parts.into_iter().map(|part| part.permute::<isize>(channels_last)).collect();
        Tensor::cat(parts, 0).permute::<isize>(channels_first)
    }
}

/// Computes `f(x)`, on the CPU in micro-batches of `photos` photos if nothing is differentiated.
/// Several micro-batches run at once, each on one thread and within its caches, and threads do not
/// wait for each other between layers. In all other cases, calls `f(x)` once. `f` must treat each
/// photo independently, so that the result does not depend on the micro-batches.
pub fn in_micro_batches<X: Batch, Y: Batch>(
    x: X,
    photos: usize,
    f: impl Fn(X) -> Y + Send + Sync,
) -> Y {
    if !x.is_plain_on_cpu() {
        return f(x);
    }
    if x.photos() <= photos {
        // On a thread of the pool. From another one, every loop of every layer would wake the pool
        // and wait for it.
        return rayon::scope(|_| f(x));
    }
    Y::join(x.into_parts(photos).into_par_iter().map(f).collect())
}
