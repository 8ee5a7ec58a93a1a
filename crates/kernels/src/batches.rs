//! A few photos at a time.

use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex;

/// `f` of a batch, computed `photos` at a time and put together, where nothing is differentiated on the CPU: several such
/// parts run at once, each on one thread and within its caches, with nothing to wait for between layers. Elsewhere
/// simply `f(x)`. `f` treats photos one by one: the result does not depend on how they are cut.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - result: `[batch, channels, height, width]` as `f` makes them
pub fn in_micro_batches(
    x: Tensor<4>,
    photos: usize,
    f: impl Fn(Tensor<4>) -> Tensor<4> + Send + Sync,
) -> Tensor<4> {
    if !(flex::takes(&x) && flex::is_plain(&x)) || x.dims()[0] <= photos {
        return f(x);
    }
    // Put together as they lie in memory, channels last.
    let parts: Vec<Tensor<4>> =
        x.split(photos, 0).into_par_iter().map(|part| f(part).permute([0, 2, 3, 1])).collect();
    Tensor::cat(parts, 0).permute([0, 3, 1, 2])
}
