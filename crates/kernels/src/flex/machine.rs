//! What this machine can do: instruction set, threads and peak speed, for benchmarks.

use std::time::Instant;

use rayon::prelude::*;

use super::gemm::{Matrix, Panels, product};
use super::simd::Instructions;

/// Instruction set of the fast path on this machine: `avx512`, `avx2` or `portable`.
pub fn instruction_set() -> &'static str {
    Instructions::detect().name()
}

/// Number of threads of the fast path.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Peak speed of products of two 768 x 768 matrices on all threads at once, in 1e9 operations per
/// second (a multiply-add counts as two). The best of five attempts, because a machine may be
/// briefly busy.
pub fn peak_gflop_per_s() -> f64 {
    const SIDE: usize = 768;
    const PRODUCTS: usize = 8;
    let threads = threads();
    let a: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 7) as f32 - 3.0).collect();
    let a = Matrix::new(&a, SIDE, SIDE);
    let attempt = || {
        let began = Instant::now();
        let sums: Vec<f32> = (0..threads)
            .into_par_iter()
            .map(|_| {
                let mut c = vec![0.0; SIDE * SIDE];
                (0..PRODUCTS)
                    .for_each(|_| product(&mut c, a, Panels::on_this_thread(a).packed(), false));
                c[0]
            })
            .collect();
        std::hint::black_box(sums);
        let operations = 2.0 * (SIDE as f64).powi(3) * (PRODUCTS * threads) as f64;
        operations / began.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| attempt()).fold(0.0, f64::max)
}
