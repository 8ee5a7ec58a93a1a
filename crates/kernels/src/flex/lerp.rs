//! Linear interpolation, in place if no other tensor shares the memory.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::nhwc;
use super::owned::owned;
use super::simd::vectorised;

pub fn lerp(start: FlexTensor, end: FlexTensor, weight: f64) -> FlexTensor {
    const CHUNK: usize = 1 << 14;
    let mut start = owned(start);
    let end = nhwc::values(&end);
    // From the nearer end, as PyTorch: a weight of 1 then gives `end` exactly.
    let (is_near_start, weight, rest) = (weight < 0.5, weight as f32, (1.0 - weight) as f32);
    let pairs = start.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(end.par_chunks(CHUNK));
    pairs.for_each(|(start, end)| {
        vectorised(
            #[inline(always)]
            || {
                for (s, e) in start.iter_mut().zip(end) {
                    let way = e - *s;
                    *s = if is_near_start { *s + way * weight } else { e - way * rest };
                }
            },
        );
    });
    drop(end);
    start
}
