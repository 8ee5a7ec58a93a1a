//! The innermost matrix product: a few rows of one matrix times a panel of another, with the sums
//! in registers.
//!
//! A tile is up to [`Instructions::tile_rows`] rows by one or two vectors. Each step along the
//! depth loads the vectors of the packed panel and broadcasts one value per row, read in place, so
//! the long operand is never copied. The instruction set is chosen at run time. The order of
//! additions is the same for every tile size, so the result of a row does not depend on the rows
//! around it.

#![allow(unsafe_code)]

use super::simd::{Instructions, Kernel};
use super::vector::Vector;

/// Rows and columns of the largest tile of any instruction set.
const MOST_ROWS: usize = 12;
const MOST_COLUMNS: usize = 32;

/// Rows of the largest tile: as many as fit into the registers with two vectors of sums each.
const fn tile_rows(registers: usize) -> usize {
    if registers >= 32 { MOST_ROWS } else { MOST_ROWS / 2 }
}

/// Sizes of panels and tiles for each instruction set.
impl Instructions {
    /// Rows of the largest tile.
    pub const fn tile_rows(self) -> usize {
        tile_rows(self.registers())
    }

    /// Columns of a full panel.
    pub const fn full_panel(self) -> usize {
        2 * self.lanes()
    }

    /// Width of the packed panel that starts at column `first` of a matrix with `columns` columns:
    /// two vectors, or one if no more columns are left. A panel is stored as `[depth, width]`, with
    /// zeros beyond the last column.
    pub const fn panel_width(self, first: usize, columns: usize) -> usize {
        if columns - first > self.lanes() { self.full_panel() } else { self.lanes() }
    }

    /// Values per step of the depth of all panels together: the columns, rounded up to whole
    /// vectors.
    pub const fn packed_columns(self, columns: usize) -> usize {
        columns.next_multiple_of(self.lanes())
    }
}

/// The product of some rows with some panels, on one thread. The panels must be packed for the
/// instruction set that runs it.
#[derive(Clone, Copy)]
pub struct Block {
    /// First value of the first row.
    pub a: *const f32,
    pub rows: usize,
    /// Distances between two rows, and between two values of a row.
    pub a_row: usize,
    pub a_step: usize,
    /// Packed panels: see [`Instructions::panel_width`].
    pub panels: *const f32,
    /// Distance between two panels, and the range of their depth to multiply.
    pub panel_stride: usize,
    pub from: usize,
    pub depth: usize,
    /// Columns of the whole result, and the range of them to compute. It starts at a panel.
    pub columns: usize,
    pub first_column: usize,
    pub end_column: usize,
    pub c: *mut f32,
    /// Whether to add the result to `c`.
    pub accumulate: bool,
}

impl Kernel for Block {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: promised by the caller.
        unsafe { strips::<V>(self) }
    }
}

/// Multiplies strips of rows with each panel in turn. A strip stays in the L1 cache; the panels
/// stream from the L2 cache.
#[inline(always)]
unsafe fn strips<V: Vector>(block: Block) {
    let full = 2 * V::LANES;
    let mut row = 0;
    while row < block.rows {
        let rows = (block.rows - row).min(tile_rows(V::REGISTERS));
        let mut column = block.first_column;
        while column < block.end_column {
            // SAFETY: inside the block, as promised by the caller.
            unsafe {
                let columns = (block.columns - column).min(full);
                let vectors = columns.div_ceil(V::LANES);
                let tile = Tile {
                    a: block.a.add(row * block.a_row + block.from * block.a_step),
                    a_row: block.a_row,
                    a_step: block.a_step,
                    b: block
                        .panels
                        .add(column / full * block.panel_stride + block.from * vectors * V::LANES),
                    depth: block.depth,
                    c: block.c.add(row * block.columns + column),
                    c_row: block.columns,
                    accumulate: block.accumulate,
                };
                if columns == vectors * V::LANES {
                    tile_of_vectors::<V>(rows, vectors, tile);
                } else {
                    // The last columns of the panel are not part of the result, so compute the tile
                    // in a copy.
                    let mut copy = [0.0_f32; MOST_ROWS * MOST_COLUMNS];
                    let in_copy =
                        Tile { c: copy.as_mut_ptr(), c_row: full, accumulate: false, ..tile };
                    tile_of_vectors::<V>(rows, vectors, in_copy);
                    for (i, copy) in copy.chunks_exact(full).enumerate().take(rows) {
                        let c = std::slice::from_raw_parts_mut(tile.c.add(i * tile.c_row), columns);
                        for (c, value) in c.iter_mut().zip(copy) {
                            *c = if block.accumulate { *c + value } else { *value };
                        }
                    }
                }
            }
            column += full;
        }
        row += rows;
    }
}

#[derive(Clone, Copy)]
struct Tile {
    a: *const f32,
    a_row: usize,
    a_step: usize,
    b: *const f32,
    depth: usize,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
}

#[inline(always)]
unsafe fn tile_of_vectors<V: Vector>(rows: usize, vectors: usize, t: Tile) {
    // SAFETY: promised by the caller.
    unsafe {
        match vectors {
            1 => tile_of_rows::<V, 1>(rows, t),
            _ => tile_of_rows::<V, 2>(rows, t),
        }
    }
}

#[inline(always)]
unsafe fn tile_of_rows<V: Vector, const N: usize>(rows: usize, t: Tile) {
    // SAFETY: promised by the caller.
    unsafe {
        match rows {
            1 => tile::<V, 1, N>(t),
            2 => tile::<V, 2, N>(t),
            3 => tile::<V, 3, N>(t),
            4 => tile::<V, 4, N>(t),
            5 => tile::<V, 5, N>(t),
            6 => tile::<V, 6, N>(t),
            7 => tile::<V, 7, N>(t),
            8 => tile::<V, 8, N>(t),
            9 => tile::<V, 9, N>(t),
            10 => tile::<V, 10, N>(t),
            11 => tile::<V, 11, N>(t),
            _ => tile::<V, 12, N>(t),
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Vector, const M: usize, const N: usize>(t: Tile) {
    // SAFETY: promised by the caller.
    unsafe {
        let mut sums = [[V::splat(0.0); N]; M];
        let (mut a, mut b) = (t.a, t.b);
        for _ in 0..t.depth {
            let mut panel = [V::splat(0.0); N];
            for (j, panel) in panel.iter_mut().enumerate() {
                *panel = V::load(b.add(j * V::LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*a.add(i * t.a_row));
                for (sum, panel) in sums.iter_mut().zip(panel) {
                    *sum = x.multiply_add(panel, *sum);
                }
            }
            a = a.add(t.a_step);
            b = b.add(N * V::LANES);
        }
        for (i, sums) in sums.iter().enumerate() {
            for (j, &sum) in sums.iter().enumerate() {
                let c = t.c.add(i * t.c_row + j * V::LANES);
                let sum = if t.accumulate { V::load(c).add(sum) } else { sum };
                sum.store(c);
            }
        }
    }
}
