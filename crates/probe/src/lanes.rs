//! Vector arithmetic on padded rows of f64.
//!
//! The code is written over [`pulp::Simd`] and runs inside [`pulp::Arch::dispatch`], which compiles
//! it for every instruction set. How many values a vector holds decides the order of a dot product,
//! so results differ between instruction sets in the last bits, as those of the kernels do.

use pulp::{Arch, Simd, WithSimd};

/// Columns per step of a product: four vectors of the widest instruction set. Rows are padded with
/// zeros to a multiple of it.
const STEP: usize = 32;

/// Rounds a number of columns up to whole steps.
pub(crate) fn padded(columns: usize) -> usize {
    columns.next_multiple_of(STEP)
}

/// Splits a padded row into vectors.
#[inline(always)]
pub(crate) fn vectors<S: Simd>(row: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(row).0
}

/// Splits a padded row into vectors.
#[inline(always)]
pub(crate) fn vectors_mut<S: Simd>(row: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(row).0
}

/// Computes the dot product of two padded rows.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert!(a.len() == b.len() && a.len().is_multiple_of(STEP));
    Arch::new().dispatch(Dot { a, b })
}

struct Dot<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let mut sums = [simd.splat_f64s(0.0); 4];
        let (a, b) = (vectors::<S>(self.a).as_chunks().0, vectors::<S>(self.b).as_chunks().0);
        for (a, b) in a.iter().zip(b) {
            let (a, b): (&[_; 4], &[_; 4]) = (a, b);
            for at in 0..4 {
                sums[at] = simd.mul_add_e_f64s(a[at], b[at], sums[at]);
            }
        }
        let (low, high) = (simd.add_f64s(sums[0], sums[1]), simd.add_f64s(sums[2], sums[3]));
        simd.reduce_sum_f64s(simd.add_f64s(low, high))
    }
}

/// `y += alpha * x` of two padded rows.
pub(crate) fn add_scaled(y: &mut [f64], alpha: f64, x: &[f64]) {
    debug_assert!(y.len() == x.len() && y.len().is_multiple_of(STEP));
    Arch::new().dispatch(AddScaled { y, alpha, x });
}

struct AddScaled<'a> {
    y: &'a mut [f64],
    alpha: f64,
    x: &'a [f64],
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let alpha = simd.splat_f64s(self.alpha);
        for (y, x) in vectors_mut::<S>(self.y).iter_mut().zip(vectors::<S>(self.x)) {
            *y = simd.mul_add_e_f64s(alpha, *x, *y);
        }
    }
}
