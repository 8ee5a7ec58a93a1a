//! Matrix products over the `gemm` crate.
//!
//! The crate's own threads are not used: a product is cut into blocks whose size depends on its shape alone, each
//! computed by one thread, so that the number of threads cannot change a bit, and a thread that is late holds up one
//! block.

#![allow(unsafe_code)]

use rayon::prelude::*;

use super::buffer::Buffer;

/// A matrix seen through two strides.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some consecutive rows.
    fn rows(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows);
        Self { values: &self.values[first * self.row_stride..], rows, ..self }
    }
}

/// `target = a b`, or `target += a b`, on the calling thread. `target` is `[a.rows, b.columns]`, row by row.
pub fn product(target: &mut [f32], a: Matrix, b: Matrix, accumulate: bool) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(target.len(), a.rows * b.columns);
    let within = |m: &Matrix| {
        m.rows == 0
            || m.columns == 0
            || (m.rows - 1) * m.row_stride + (m.columns - 1) * m.column_stride < m.values.len()
    };
    assert!(within(&a) && within(&b));
    let alpha = if accumulate { 1.0 } else { 0.0 };
    // SAFETY: the shapes agree, and every element of the three matrices lies within its slice (asserted above).
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            target.as_mut_ptr(),
            1,
            b.columns as isize,
            accumulate,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            alpha,
            1.0_f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// `target = a b` for a long `a`, in blocks of rows; `finish` sees each block of the result while it is in cache.
pub fn product_of_rows(target: &mut [f32], a: Matrix, b: Matrix, finish: impl Fn(&mut [f32]) + Sync) {
    let rows = rows_per_block(a.rows, a.columns + b.columns);
    target.par_chunks_mut(rows * b.columns).enumerate().for_each(|(block, target)| {
        product(target, a.rows(block * rows, target.len() / b.columns), b, false);
        finish(target);
    });
}

/// How many of `rows` rows make a block, where an operand and a result have so many columns together: as many as lie in
/// a core's second-level cache, but not so few that the other operand, packed anew for every block, costs more than
/// the product; and all blocks about alike, a multiple of four of them, so that two threads end together.
pub fn rows_per_block(rows: usize, columns: usize) -> usize {
    const CACHED: usize = 128 * 1024;
    let most = (CACHED / columns).clamp(256, 4096);
    let blocks = rows.div_ceil(most).next_multiple_of(4);
    rows.div_ceil(blocks).max(32).next_multiple_of(8)
}

/// `a^T b` for two long matrices of `rows` rows: `[a.columns, b.columns]`.
///
/// Either the rows are cut and the partial products added in order, or, where those would be large, the result is.
pub fn product_of_columns(a: Matrix, b: Matrix) -> Buffer {
    assert_eq!(a.rows, b.rows);
    const BLOCKS: usize = 16;
    let size = a.columns * b.columns;
    if size >= 1 << 16 {
        let mut target = Buffer::new(size);
        let at = a.transposed();
        let rows = at.rows.div_ceil(BLOCKS).max(48).next_multiple_of(16);
        target.par_chunks_mut(rows * b.columns).enumerate().for_each(|(block, target)| {
            product(target, at.rows(block * rows, target.len() / b.columns), b, false);
        });
        return target;
    }
    let rows = a.rows.div_ceil(BLOCKS).max(256);
    let mut partial = Buffer::new(size * a.rows.div_ceil(rows));
    partial.par_chunks_mut(size).enumerate().for_each(|(block, target)| {
        let first = block * rows;
        let rows = rows.min(a.rows - first);
        product(target, a.rows(first, rows).transposed(), b.rows(first, rows), false);
    });
    sum_in_order(&partial, size)
}

/// The sum of consecutive arrays of `size`, first to last.
pub fn sum_in_order(partial: &[f32], size: usize) -> Buffer {
    let mut sum = Buffer::zeros(size);
    const CHUNK: usize = 4096;
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sum)| {
        for array in partial.chunks_exact(size) {
            let array = &array[chunk * CHUNK..][..sum.len()];
            for (sum, x) in sum.iter_mut().zip(array) {
                *sum += x;
            }
        }
    });
    sum
}
