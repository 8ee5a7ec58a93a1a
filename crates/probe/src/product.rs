//! The two products of a block of rows: with the weights, and with what the weights got wrong.
//!
//! Few classes make these products slim, so nothing is packed: both read rows as they are and keep
//! twelve sums in registers.

use pulp::Simd;

use crate::lanes::{vectors, vectors_mut};

/// Rows per block. A block of 1280 columns takes 160 KiB: it stays in the L2 cache between the two
/// products.
pub(crate) const BLOCK: usize = 16;

/// Rows and classes per tile of the first product.
const ROWS: usize = 4;
const TILE: usize = 3;

/// Vectors per tile of the second product.
const VECTORS: usize = 4;

/// Computes `logits[row][class] = rows[row] . weights[class]`.
///
/// # Shapes
///
/// `rows`: `[n, padded]`; `weights`: `[classes, padded]`; `logits`: `[n, classes]`.
#[inline(always)]
pub(crate) fn multiply<S: Simd>(
    simd: S,
    rows: &[f64],
    weights: &[f64],
    padded: usize,
    logits: &mut [f64],
) {
    let classes = weights.len() / padded;
    let mut rows = rows.chunks_exact(ROWS * padded);
    let mut logits = logits.chunks_exact_mut(ROWS * classes);
    for (rows, logits) in rows.by_ref().zip(logits.by_ref()) {
        multiply_rows::<S, ROWS>(simd, rows, weights, padded, logits);
    }
    let rest = logits.into_remainder().chunks_exact_mut(classes);
    for (row, logits) in rows.remainder().chunks_exact(padded).zip(rest) {
        multiply_rows::<S, 1>(simd, row, weights, padded, logits);
    }
}

#[inline(always)]
fn multiply_rows<S: Simd, const R: usize>(
    simd: S,
    rows: &[f64],
    weights: &[f64],
    padded: usize,
    logits: &mut [f64],
) {
    let classes = weights.len() / padded;
    let mut class = 0;
    while class + TILE <= classes {
        multiply_tile::<S, R, TILE>(
            simd,
            rows,
            &weights[class * padded..],
            padded,
            |row, at, sum| {
                logits[row * classes + class + at] = sum;
            },
        );
        class += TILE;
    }
    while class < classes {
        multiply_tile::<S, R, 1>(simd, rows, &weights[class * padded..], padded, |row, at, sum| {
            logits[row * classes + class + at] = sum;
        });
        class += 1;
    }
}

#[inline(always)]
fn multiply_tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    rows: &[f64],
    weights: &[f64],
    padded: usize,
    mut write: impl FnMut(usize, usize, f64),
) {
    let count = padded / S::F64_LANES;
    let mut row_vectors: [&[S::f64s]; R] = [&[]; R];
    for (row, vectors_of) in row_vectors.iter_mut().enumerate() {
        *vectors_of = &vectors::<S>(&rows[row * padded..])[..count];
    }
    let mut weight_vectors: [&[S::f64s]; C] = [&[]; C];
    for (class, vectors_of) in weight_vectors.iter_mut().enumerate() {
        *vectors_of = &vectors::<S>(&weights[class * padded..])[..count];
    }
    let mut sums = [[simd.splat_f64s(0.0); C]; R];
    for at in 0..count {
        for row in 0..R {
            let value = row_vectors[row][at];
            for class in 0..C {
                sums[row][class] =
                    simd.mul_add_e_f64s(value, weight_vectors[class][at], sums[row][class]);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (class, &sum) in sums.iter().enumerate() {
            write(row, class, simd.reduce_sum_f64s(sum));
        }
    }
}

/// Computes `gradient[class] += sum over rows of residuals[row][class] * rows[row]`.
///
/// # Shapes
///
/// `rows`: `[n, padded]`; `residuals`: `[n, classes]`; `gradient`: `[classes, padded]`.
#[inline(always)]
pub(crate) fn accumulate<S: Simd>(
    simd: S,
    rows: &[f64],
    residuals: &[f64],
    padded: usize,
    gradient: &mut [f64],
) {
    let classes = gradient.len() / padded;
    let mut class = 0;
    while class < classes {
        let gradient = &mut gradient[class * padded..];
        let residuals = &residuals[class..];
        if class + TILE <= classes {
            accumulate_tile::<S, TILE>(simd, rows, residuals, padded, classes, gradient);
            class += TILE;
        } else {
            accumulate_tile::<S, 1>(simd, rows, residuals, padded, classes, gradient);
            class += 1;
        }
    }
}

#[inline(always)]
fn accumulate_tile<S: Simd, const C: usize>(
    simd: S,
    rows: &[f64],
    residuals: &[f64],
    padded: usize,
    classes: usize,
    gradient: &mut [f64],
) {
    let step = VECTORS * S::F64_LANES;
    for column in (0..padded).step_by(step) {
        let mut sums = [[simd.splat_f64s(0.0); VECTORS]; C];
        for (row, residuals) in rows.chunks_exact(padded).zip(residuals.chunks(classes)) {
            let row = &vectors::<S>(&row[column..column + step])[..VECTORS];
            let residuals = &residuals[..C];
            for class in 0..C {
                let residual = simd.splat_f64s(residuals[class]);
                for at in 0..VECTORS {
                    sums[class][at] = simd.mul_add_e_f64s(row[at], residual, sums[class][at]);
                }
            }
        }
        for (class, sums) in sums.iter().enumerate() {
            let gradient = &mut gradient[class * padded + column..][..step];
            for (gradient, &sum) in vectors_mut::<S>(gradient).iter_mut().zip(sums) {
                *gradient = simd.add_f64s(*gradient, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;
    use crate::lanes::padded;

    struct Both<'a> {
        rows: &'a [f64],
        weights: &'a [f64],
        padded: usize,
        logits: &'a mut [f64],
        gradient: &'a mut [f64],
    }

    impl WithSimd for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            multiply(simd, self.rows, self.weights, self.padded, self.logits);
            accumulate(simd, self.rows, self.logits, self.padded, self.gradient);
        }
    }

    #[test]
    fn products_equal_their_definition_for_every_remainder() {
        for (n, width, classes) in [(1, 1, 1), (2, 16, 2), (3, 5, 3), (5, 33, 4), (16, 70, 7)] {
            let padded = padded(width);
            let value = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
            let fill = |rows: usize, seed: usize| {
                let mut out = vec![0.0; rows * padded];
                for (i, row) in out.chunks_exact_mut(padded).enumerate() {
                    for (j, out) in row[..width].iter_mut().enumerate() {
                        *out = value(seed + i * width + j);
                    }
                }
                out
            };
            let (rows, weights) = (fill(n, 0), fill(classes, 500));
            let (mut logits, mut gradient) = (vec![0.0; n * classes], vec![1.0; classes * padded]);
            Arch::new().dispatch(Both {
                rows: &rows,
                weights: &weights,
                padded,
                logits: &mut logits,
                gradient: &mut gradient,
            });
            for i in 0..n {
                for c in 0..classes {
                    let expected: f64 =
                        (0..padded).map(|j| rows[i * padded + j] * weights[c * padded + j]).sum();
                    assert!((logits[i * classes + c] - expected).abs() < 1e-12);
                }
            }
            for c in 0..classes {
                for j in 0..padded {
                    let expected: f64 =
                        (0..n).map(|i| rows[i * padded + j] * logits[i * classes + c]).sum();
                    assert!((gradient[c * padded + j] - 1.0 - expected).abs() < 1e-12);
                }
            }
        }
    }
}
