//! Runs a function on micro-batches.

use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex;

/// Computes `f(x)`, on the CPU in micro-batches of `photos` photos if nothing is differentiated.
/// Several micro-batches run at once, each on one thread and within its caches, and threads do not
/// wait for each other between layers. In all other cases, calls `f(x)` once. `f` must treat each
/// photo independently, so that the result does not depend on the micro-batches.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, height, width]`, with the extents that `f` returns
pub fn in_micro_batches(
    x: Tensor<4>,
    photos: usize,
    f: impl Fn(Tensor<4>) -> Tensor<4> + Send + Sync,
) -> Tensor<4> {
    if !(flex::takes(&x) && flex::is_plain(&x)) || x.dims()[0] <= photos {
        return f(x);
    }
    // Concatenate in memory order, channels last.
    let parts: Vec<Tensor<4>> =
        x.split(photos, 0).into_par_iter().map(|part| f(part).permute([0, 2, 3, 1])).collect();
    Tensor::cat(parts, 0).permute([0, 3, 1, 2])
}
