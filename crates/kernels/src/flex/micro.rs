//! The innermost product: a few rows of one matrix times a panel of another, the result held in registers.
//!
//! A tile is `ROWS` rows by two vectors. Each step of the depth loads two vectors of the packed panel and broadcasts one
//! value per row straight from where the rows lie, so the long operand is never copied. Which instructions are used is
//! decided at run time; the order of additions is the same for every tile size, so a row's result does not depend on
//! which rows stand beside it.

#![allow(unsafe_code)]

use super::vector::{Instructions, Kernel, Vector};

/// Rows and columns of the largest tile of all.
const MOST_ROWS: usize = 12;
const MOST_COLUMNS: usize = 32;

/// Rows of a tile: as many as the registers hold with two vectors of sums each.
const fn tile_rows(registers: usize) -> usize {
    if registers >= 32 { MOST_ROWS } else { MOST_ROWS / 2 }
}

/// How each instruction set wants its panels.
impl Instructions {
    /// Rows of the largest tile.
    pub const fn tile_rows(self) -> usize {
        tile_rows(self.registers())
    }

    /// Columns of a full panel.
    pub const fn full_panel(self) -> usize {
        2 * self.lanes()
    }

    /// Width of the packed panel whose first column is `first`, of a matrix of `columns`: two vectors, or one where no
    /// more are left. A panel's memory is `[depth, width]`, with zeros beyond the last column.
    pub const fn panel_width(self, first: usize, columns: usize) -> usize {
        if columns - first > self.lanes() { self.full_panel() } else { self.lanes() }
    }

    /// Values of one depth of all panels together: the columns, rounded up to whole vectors.
    pub const fn packed_columns(self, columns: usize) -> usize {
        columns.next_multiple_of(self.lanes())
    }
}

/// The product of some rows with some panels, on one thread. The panels must be packed for the instructions it runs with.
#[derive(Clone, Copy)]
pub struct Block {
    /// First value of the first row.
    pub a: *const f32,
    pub rows: usize,
    /// Distance between two rows, and between two values of a row.
    pub a_row: usize,
    pub a_step: usize,
    /// The packed panels: see [`Instructions::panel_width`].
    pub panels: *const f32,
    /// Distance between two panels, and the part of their depth that is multiplied.
    pub panel_stride: usize,
    pub from: usize,
    pub depth: usize,
    /// Columns of the whole result, and those that are computed: a range that begins at a panel.
    pub columns: usize,
    pub first_column: usize,
    pub end_column: usize,
    pub c: *mut f32,
    /// Whether the result is added to what is there.
    pub accumulate: bool,
}

impl Kernel for Block {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: the caller's.
        unsafe { strips::<V>(self) }
    }
}

/// Strips of rows, and for each the panels in turn: a strip stays in the first-level cache, the panels stream from the
/// second.
#[inline(always)]
unsafe fn strips<V: Vector>(block: Block) {
    let full = 2 * V::LANES;
    let mut row = 0;
    while row < block.rows {
        let rows = (block.rows - row).min(tile_rows(V::REGISTERS));
        let mut column = block.first_column;
        while column < block.end_column {
            // SAFETY: within the block, which the caller vouches for.
            unsafe {
                let columns = (block.columns - column).min(full);
                let vectors = columns.div_ceil(V::LANES);
                let tile = Tile {
                    a: block.a.add(row * block.a_row + block.from * block.a_step),
                    a_row: block.a_row,
                    a_step: block.a_step,
                    b: block.panels.add(column / full * block.panel_stride + block.from * vectors * V::LANES),
                    depth: block.depth,
                    c: block.c.add(row * block.columns + column),
                    c_row: block.columns,
                    accumulate: block.accumulate,
                };
                if columns == vectors * V::LANES {
                    tile_of_vectors::<V>(rows, vectors, tile);
                } else {
                    // The last columns of the panel are not part of the result: through a copy.
                    let mut copy = [0.0_f32; MOST_ROWS * MOST_COLUMNS];
                    let in_copy = Tile { c: copy.as_mut_ptr(), c_row: full, accumulate: false, ..tile };
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
    // SAFETY: the caller's.
    unsafe {
        match vectors {
            1 => tile_of_rows::<V, 1>(rows, t),
            _ => tile_of_rows::<V, 2>(rows, t),
        }
    }
}

#[inline(always)]
unsafe fn tile_of_rows<V: Vector, const N: usize>(rows: usize, t: Tile) {
    // SAFETY: the caller's.
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
    // SAFETY: the caller's.
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
