//! Matrix products.
//!
//! The short operand, the weights of a layer, is packed into panels once; the long operand is read
//! in place. A product is divided into blocks whose size depends only on its shape, and one thread
//! computes each block. So the number of threads cannot change a bit, and a slow thread delays only
//! one block.

#![allow(unsafe_code)]

use std::ops::{Deref, Range};

use rayon::prelude::*;

use super::buffer::Buffer;
use super::micro::Block;
use super::simd::Instructions;

/// Depth of a block, so that one strip of rows and one panel fit into the L1 cache.
const DEPTH: usize = 512;

/// Packed values that fit into the L2 cache, with room for the rest.
const CACHED: usize = 96 * 1024;

/// A matrix view with a stride for rows and one for columns.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row by row.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// Rows that start `row_stride` values apart.
    pub fn strided(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        Self { values, rows, columns, row_stride, column_stride: 1 }
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

    /// A view of consecutive rows.
    fn rows(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows);
        Self {
            values: self.values.get(first * self.row_stride..).unwrap_or_default(),
            rows,
            ..self
        }
    }

    /// Whether every element is inside `values`.
    fn is_within(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride
                < self.values.len()
    }
}

/// A matrix packed in the order in which products read it.
#[derive(Debug)]
pub struct Panels {
    values: Buffer,
    depth: usize,
    columns: usize,
    instructions: Instructions,
}

/// A view of the panels of one matrix.
#[derive(Clone, Copy)]
pub struct PackedMatrix<'a> {
    values: &'a [f32],
    /// Distance between the starts of two panels.
    panel_stride: usize,
    depth: usize,
    columns: usize,
    instructions: Instructions,
}

impl<'a> PackedMatrix<'a> {
    /// `values` start with the first panel.
    pub fn new(values: &'a [f32], panel_stride: usize, depth: usize, columns: usize) -> Self {
        let instructions = Instructions::detect();
        let last =
            columns.saturating_sub(1) / instructions.full_panel() * instructions.full_panel();
        let width = instructions.panel_width(last, columns.max(1));
        let needed = last / instructions.full_panel() * panel_stride + depth * width;
        assert!(columns == 0 || values.len() >= needed);
        Self { values, panel_stride, depth, columns, instructions }
    }
}

impl Panels {
    pub fn packed(&self) -> PackedMatrix<'_> {
        let panel_stride = self.depth * self.instructions.full_panel();
        let Self { values, depth, columns, instructions, .. } = self;
        PackedMatrix {
            values,
            panel_stride,
            depth: *depth,
            columns: *columns,
            instructions: *instructions,
        }
    }

    /// Packs `b` on all threads.
    pub fn new(b: Matrix) -> Self {
        let mut panels = Self::empty(b.rows, b.columns);
        let full = panels.instructions.full_panel();
        let instructions = panels.instructions;
        let size = (full * b.rows).max(1);
        panels.values.par_chunks_mut(size).enumerate().for_each(|(panel, values)| {
            pack(b, panel * full, instructions.panel_width(panel * full, b.columns), values);
        });
        panels
    }

    /// Packs `b` on the calling thread.
    pub fn on_this_thread(b: Matrix) -> Self {
        let mut panels = Self::empty(b.rows, b.columns);
        let full = panels.instructions.full_panel();
        let size = (full * b.rows).max(1);
        for (panel, values) in panels.values.chunks_mut(size).enumerate() {
            pack(b, panel * full, panels.instructions.panel_width(panel * full, b.columns), values);
        }
        panels
    }

    fn empty(depth: usize, columns: usize) -> Self {
        let instructions = Instructions::detect();
        let values = Buffer::new(depth * instructions.packed_columns(columns));
        Self { values, depth, columns, instructions }
    }
}

/// Packs one panel, `[depth, width]`, with zeros beyond the matrix.
fn pack(b: Matrix, first: usize, width: usize, panel: &mut [f32]) {
    let columns = width.min(b.columns - first);
    if b.column_stride == 1 {
        for (p, row) in panel.chunks_exact_mut(width).enumerate() {
            let from = p * b.row_stride + first;
            row[..columns].copy_from_slice(&b.values[from..from + columns]);
            row[columns..].fill(0.0);
        }
        return;
    }
    // Copy a square of a few cache lines at a time, so that lines read across columns are still in
    // cache.
    const SQUARE: usize = 16;
    if columns < width {
        panel.fill(0.0);
    }
    for p in (0..b.rows).step_by(SQUARE) {
        let end = (p + SQUARE).min(b.rows);
        for j in 0..columns {
            let from = (first + j) * b.column_stride;
            for p in p..end {
                panel[p * width + j] = b.values[from + p * b.row_stride];
            }
        }
    }
}

/// Computes `target = a b`, or `target += a b` with `accumulate`, on the calling thread. `target`
/// is `[a.rows, b.columns]`, row by row.
pub fn product(target: &mut [f32], a: Matrix, b: PackedMatrix, accumulate: bool) {
    assert_eq!(a.columns, b.depth);
    assert_eq!(target.len(), a.rows * b.columns);
    assert!(a.is_within());
    if target.is_empty() {
        return;
    }
    let blocks = b.depth.div_ceil(DEPTH).max(1);
    let depth = b.depth.div_ceil(blocks);
    let full = b.instructions.full_panel();
    let columns = (CACHED / depth.max(1) / full).max(1) * full;
    for from in (0..b.depth.max(1)).step_by(depth.max(1)) {
        let depth = depth.min(b.depth - from);
        for first_column in (0..b.columns).step_by(columns) {
            let block = Block {
                a: a.values.as_ptr(),
                rows: a.rows,
                a_row: a.row_stride,
                a_step: a.column_stride,
                panels: b.values.as_ptr(),
                panel_stride: b.panel_stride,
                from,
                depth,
                columns: b.columns,
                first_column,
                end_column: (first_column + columns).min(b.columns),
                c: target.as_mut_ptr(),
                accumulate: accumulate || from > 0,
            };
            // SAFETY: the shapes agree and every element is inside its slice (asserted above); the
            // panels were packed for these instructions, which were detected.
            unsafe { b.instructions.run(block) }
        }
    }
}

/// Computes `target = a b` for a long `a`, in blocks of rows. Calls `finish(first_row, piece)` on
/// pieces of whole rows of the result while they are in cache.
pub fn product_of_rows(
    target: &mut [f32],
    a: Matrix,
    b: PackedMatrix,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = rows_per_block(a.rows, a.columns + b.columns);
    // If the whole depth and all columns fit into one block, finish each strip as soon as it is
    // computed.
    let piece = if b.depth <= DEPTH && b.depth * b.columns <= CACHED {
        (8192 / b.columns.max(1)).max(1).next_multiple_of(b.instructions.tile_rows()).min(rows)
    } else {
        rows
    };
    target.par_chunks_mut((rows * b.columns).max(1)).enumerate().for_each(|(block, target)| {
        for (index, target) in target.chunks_mut(piece * b.columns).enumerate() {
            let first = block * rows + index * piece;
            product(target, a.rows(first, target.len() / b.columns), b, false);
            finish(first, target);
        }
    });
}

/// As [`product_of_rows`]: `finish(piece, copy)` also gets the same piece of `copy`, to fill it.
pub fn product_of_rows_and_copy(
    target: &mut [f32],
    copy: &mut [f32],
    a: Matrix,
    b: PackedMatrix,
    finish: impl Fn(&mut [f32], &mut [f32]) + Sync,
) {
    let rows = rows_per_block(a.rows, a.columns + b.columns);
    let block = (rows * b.columns).max(1);
    let blocks = target.par_chunks_mut(block).zip(copy.par_chunks_mut(block));
    blocks.enumerate().for_each(|(block, (target, copy))| {
        product(target, a.rows(block * rows, target.len() / b.columns), b, false);
        finish(target, copy);
    });
}

/// Rows per block of a product of `rows` rows, where `columns` counts the columns of the operand
/// and the result together. Aims for blocks that fit into the L2 cache of a core, of about equal
/// size, and for a multiple of four of them, so that two threads finish together.
pub fn rows_per_block(rows: usize, columns: usize) -> usize {
    const CACHED: usize = 64 * 1024;
    let most = (CACHED / columns.max(1)).clamp(96, 4096);
    let blocks = rows.div_ceil(most).next_multiple_of(4);
    rows.div_ceil(blocks).max(24).next_multiple_of(12)
}

/// Computes `a^T b` for two long matrices of `a.rows` rows: `[a.columns, columns]`. `b(rows)`
/// returns a range of rows of the second matrix.
///
/// Divides the rows into ranges and adds the partial products in order.
pub fn product_of_columns<B: Deref<Target = [f32]>>(
    a: Matrix,
    columns: usize,
    b: impl Fn(Range<usize>) -> B + Sync,
) -> Buffer {
    let size = a.columns * columns;
    let sums = partial_sums(a.rows, size);
    let rows = a.rows.div_ceil(sums);
    let mut partial = Buffer::new(size * a.rows.div_ceil(rows));
    partial.par_chunks_mut(size).enumerate().for_each(|(block, target)| {
        let first = block * rows;
        let end = (first + rows).min(a.rows);
        for from in (first..end).step_by(DEPTH) {
            let here = DEPTH.min(end - from);
            let b = b(from..from + here);
            let panels = Panels::on_this_thread(Matrix::new(&b, here, columns));
            product(target, a.rows(from, here).transposed(), panels.packed(), from > first);
        }
    });
    sum_in_order(partial, size)
}

/// As [`product_of_columns`], for a result that is large beside the caches: packs all rows of the
/// second matrix once and divides the rows of the result, so that there are no partial sums.
pub fn product_of_long_rows<B: Deref<Target = [f32]>>(
    a: Matrix,
    columns: usize,
    b: impl Fn(Range<usize>) -> B + Sync,
) -> Buffer {
    let ranges: Vec<Panels> = (0..a.rows.div_ceil(DEPTH))
        .into_par_iter()
        .map(|range| {
            let (first, end) = (range * DEPTH, ((range + 1) * DEPTH).min(a.rows));
            let b = b(first..end);
            Panels::on_this_thread(Matrix::new(&b, end - first, columns))
        })
        .collect();
    let rows = a.columns.div_ceil(4 * a.columns.div_ceil(4 * 96)).max(24).next_multiple_of(12);
    let mut target = Buffer::new(a.columns * columns);
    target.par_chunks_mut((rows * columns).max(1)).enumerate().for_each(|(block, target)| {
        let count = target.len() / columns;
        for (range, panels) in ranges.iter().enumerate() {
            let a = a.rows(range * DEPTH, panels.depth).transposed().rows(block * rows, count);
            product(target, a, panels.packed(), range > 0);
        }
    });
    target
}

/// Number of partial sums of `size` values for a product over `rows` rows: as many as fit into 16
/// MiB, between 2 and 16, but at most one for every 64 rows.
pub fn partial_sums(rows: usize, size: usize) -> usize {
    ((4 << 20) / size.max(1)).clamp(2, 16).min(rows.div_ceil(64)).max(1)
}

/// Adds consecutive arrays of `size` values, first to last.
pub fn sum_in_order(partial: Buffer, size: usize) -> Buffer {
    if partial.len() == size {
        return partial;
    }
    const CHUNK: usize = 4096;
    let (first, rest) = partial.split_at(size);
    let mut sum = Buffer::new(size);
    sum.par_chunks_mut(CHUNK).zip(first.par_chunks(CHUNK)).enumerate().for_each(
        |(chunk, (sum, first))| {
            sum.copy_from_slice(first);
            for array in rest.chunks_exact(size) {
                let array = &array[chunk * CHUNK..][..sum.len()];
                for (sum, x) in sum.iter_mut().zip(array) {
                    *sum += x;
                }
            }
        },
    );
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7 + seed * 13) % 11) as f32 - 5.0).collect()
    }

    /// The values are small integers, so every order of additions gives the same exact sum.
    fn expected(a: Matrix, b: Matrix) -> Vec<f32> {
        let at = |m: &Matrix, i: usize, j: usize| m.values[i * m.row_stride + j * m.column_stride];
        let row = |i| {
            (0..b.columns).map(move |j| (0..a.columns).map(|p| at(&a, i, p) * at(&b, p, j)).sum())
        };
        (0..a.rows).flat_map(row).collect()
    }

    #[test]
    fn products_of_every_shape_are_exact() {
        for (rows, depth, columns) in [
            (1, 1, 1),
            (13, 7, 5),
            (12, 16, 32),
            (25, 33, 49),
            (7, 1100, 17),
            (30, 600, 300),
            (300, 24, 144),
        ] {
            let (a, b) = (values(rows * depth, 1), values(depth * columns, 2));
            let (a, b) = (Matrix::new(&a, rows, depth), Matrix::new(&b, depth, columns));
            let wanted = expected(a, b);
            let mut found = vec![0.0; rows * columns];
            product_of_rows(&mut found, a, Panels::new(b).packed(), |_, _| {});
            assert_eq!(found, wanted, "{rows} {depth} {columns}");
            product(&mut found, a, Panels::on_this_thread(b).packed(), true);
            assert!(found.iter().zip(&wanted).all(|(f, w)| *f == 2.0 * w));

            // The same matrices, each stored transposed.
            let (a, b) = (values(rows * depth, 3), values(depth * columns, 4));
            let (a, b) =
                (Matrix::new(&a, depth, rows).transposed(), Matrix::new(&b, columns, depth));
            let mut found = vec![0.0; rows * columns];
            product(&mut found, a, Panels::new(b.transposed()).packed(), false);
            assert_eq!(found, expected(a, b.transposed()), "transposed {rows} {depth} {columns}");
        }
    }

    #[test]
    fn long_matrices_are_multiplied_by_columns() {
        let (a, b) = (values(1500 * 13, 1), values(1500 * 35, 2));
        let a = Matrix::new(&a, 1500, 13);
        let found = product_of_columns(a, 35, |rows| &b[rows.start * 35..rows.end * 35]);
        assert_eq!(*found, *expected(a.transposed(), Matrix::new(&b, 1500, 35)));
    }

    #[test]
    fn every_instruction_set_of_this_machine_agrees() {
        let detected = Instructions::detect();
        let sets: &[Instructions] = match detected {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => {
                &[Instructions::Avx512, Instructions::Avx2, Instructions::Portable]
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => &[Instructions::Avx2, Instructions::Portable],
            Instructions::Portable => &[Instructions::Portable],
        };
        let (a, b) = (values(29 * 40, 1), values(40 * 27, 2));
        let (a, b) = (Matrix::new(&a, 29, 40), Matrix::new(&b, 40, 27));
        for &instructions in sets {
            let mut panels = Panels {
                values: Buffer::new(40 * instructions.packed_columns(27)),
                depth: 40,
                columns: 27,
                instructions,
            };
            let full = instructions.full_panel();
            for (panel, values) in panels.values.chunks_mut(full * 40).enumerate() {
                pack(b, panel * full, instructions.panel_width(panel * full, 27), values);
            }
            let mut found = vec![0.0; 29 * 27];
            product(&mut found, a, panels.packed(), false);
            assert_eq!(found, expected(a, b), "{}", instructions.name());
        }
    }
}
