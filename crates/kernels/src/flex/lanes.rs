//! Sums and maxima of contiguous values, in lanes that the compiler vectorises. The lanes are the
//! same for every instruction set, so the results are, too. Call inside
//! [`vectorised`](super::simd::vectorised).

/// Two of the widest vectors, so that one addition need not wait for the last.
const LANES: usize = 32;

/// Adds `each(x)` over all values.
#[inline(always)]
pub fn sum(x: &[f32], each: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for x in chunks {
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum += each(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += each(x);
    }
    total(sums)
}

/// Adds `each(a, b)` over all pairs of values.
#[inline(always)]
pub fn sum_of_two(a: &[f32], b: &[f32], each: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    for (a, b) in a_chunks.zip(b_chunks) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += each(a, b);
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(rest) {
        *sum += each(a, b);
    }
    total(sums)
}

/// Writes `each(x)` over every value and adds the results.
#[inline(always)]
pub fn rewrite_and_sum(x: &mut [f32], each: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let mut chunks = x.chunks_exact_mut(LANES);
    for x in chunks.by_ref() {
        for (sum, x) in sums.iter_mut().zip(x) {
            *x = each(*x);
            *sum += *x;
        }
    }
    for (sum, x) in sums.iter_mut().zip(chunks.into_remainder()) {
        *x = each(*x);
        *sum += *x;
    }
    total(sums)
}

/// The largest value. Ignores NaN.
#[inline(always)]
pub fn largest(x: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for x in chunks {
        for (most, &x) in most.iter_mut().zip(x) {
            *most = if x > *most { x } else { *most };
        }
    }
    for (most, &x) in most.iter_mut().zip(rest) {
        *most = if x > *most { x } else { *most };
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            most[lane] =
                if most[lane + width] > most[lane] { most[lane + width] } else { most[lane] };
        }
        width /= 2;
    }
    most[0]
}

#[inline(always)]
fn total(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
