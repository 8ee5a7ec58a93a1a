//! 3 x 3 kernels with stride 1 in a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3),
//! Lavin and Gray 2016, section 4.3.
//!
//! Transforms the kernels and tiles of 6 x 6 input pixels that overlap by two. Each of the 36
//! places in a tile is then one matrix product over the channels. Transforms the products back to
//! tiles of 4 x 4 outputs. Works on some tiles at a time, so that intermediate results stay in
//! cache. Rounding errors are a few times those of the direct sum (the tests state how much).

use rayon::prelude::*;

use super::geometry::{Algorithm, Geometry};
use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, PackedMatrix, product};
use crate::flex::nhwc::Dims;
use crate::flex::simd::{Instructions, vectorised};

/// Side of a tile of outputs, and of the inputs under it.
const OUT: usize = 4;
const IN: usize = OUT + 2;
const PLACES: usize = IN * IN;
/// Number of channels that are transformed together.
const LANES: usize = 16;
type Lanes = [f32; LANES];

/// Whether Winograd is faster for `g`. Channels must fill whole panels of every instruction set,
/// which also makes them enough to outweigh the transforms. Tiles must not extend so far beyond the
/// map that the saving is lost.
pub fn suits(g: &Geometry) -> bool {
    let wide = |dims: Dims| dims.channels.is_multiple_of(2 * LANES);
    let tiles = g.output.height.div_ceil(OUT) * g.output.width.div_ceil(OUT);
    let pixels = g.output.height * g.output.width;
    let is_form =
        g.algorithm == Algorithm::Windows && g.kernel == 3 && g.stride == 1 && g.padding == [1; 2];
    is_form && wide(g.input) && wide(g.output) && tiles * PLACES * 3 < pixels * g.taps() * 2
}

/// Transformed kernels, one panel of outputs after the other: `[panel, place, channels, width]`.
#[derive(Debug)]
pub struct Kernels {
    values: Buffer,
    channels: usize,
    outputs: usize,
}

impl Kernels {
    /// `weight(output, channel)` returns the nine taps of a kernel, row by row.
    pub fn new(
        channels: usize,
        outputs: usize,
        weight: impl Fn(usize, usize) -> [f32; 9] + Sync,
    ) -> Self {
        let full = Instructions::detect().full_panel();
        let mut values = Buffer::new(PLACES * channels * outputs);
        values.par_chunks_mut(PLACES * channels * full).enumerate().for_each(|(panel, values)| {
            for channel in 0..channels {
                for column in 0..full {
                    let transformed = transform_kernel(weight(panel * full + column, channel));
                    for (place, value) in transformed.into_iter().enumerate() {
                        values[(place * channels + channel) * full + column] = value;
                    }
                }
            }
        });
        Self { values, channels, outputs }
    }

    fn at(&self, place: usize) -> PackedMatrix<'_> {
        let full = Instructions::detect().full_panel();
        let stride = PLACES * self.channels * full;
        PackedMatrix::new(
            &self.values[place * self.channels * full..],
            stride,
            self.channels,
            self.outputs,
        )
    }
}

/// `G g G^T`.
fn transform_kernel(g: [f32; 9]) -> [f32; PLACES] {
    let row = |a: f32, b: f32, c: f32| {
        let (sum, twice) = (a + c, a / 24.0 + c / 6.0);
        [a / 4.0, -(sum + b) / 6.0, -(sum - b) / 6.0, twice + b / 12.0, twice - b / 12.0, c]
    };
    let columns: [[f32; IN]; 3] = std::array::from_fn(|x| row(g[x], g[3 + x], g[6 + x]));
    let mut transformed = [0.0; PLACES];
    for y in 0..IN {
        transformed[y * IN..][..IN].copy_from_slice(&row(
            columns[0][y],
            columns[1][y],
            columns[2][y],
        ));
    }
    transformed
}

/// Computes the convolution `g`, which must satisfy [`suits`].
pub fn convolve(
    x: &[f32],
    kernels: &Kernels,
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let Dims { batch, height, width, channels: outputs } = g.output;
    let (tile_rows, tile_columns) = (height.div_ceil(OUT), width.div_ceil(OUT));
    let total = batch * tile_rows * tile_columns;
    let rows_per_task = (total / 4).clamp(12, 48).div_ceil(tile_columns).max(1);
    let mut y = Buffer::new(g.output.len());

    // Consecutive rows of tiles write consecutive memory, even if the last tile of a photo is cut
    // off.
    let mut tasks = Vec::new();
    let mut rest = &mut y[..];
    for first in (0..batch * tile_rows).step_by(rows_per_task) {
        let end = (first + rows_per_task).min(batch * tile_rows);
        let pixel_rows: usize =
            (first..end).map(|row| OUT.min(height - row % tile_rows * OUT)).sum();
        let (here, after) = rest.split_at_mut(pixel_rows * width * outputs);
        tasks.push((first..end, here));
        rest = after;
    }
    tasks.into_par_iter().for_each(|(rows, y)| {
        let tiles = rows.len() * tile_columns;
        let channels = g.input.channels;
        let mut seen = Buffer::new(PLACES * tiles * channels);
        for (index, row) in rows.clone().enumerate() {
            let (photo, tile_y) = (row / tile_rows, row % tile_rows);
            for tile_x in 0..tile_columns {
                let tile = Tile {
                    photo,
                    y: tile_y,
                    x: tile_x,
                    index: index * tile_columns + tile_x,
                    tiles,
                };
                transform_inputs(x, &mut seen, tile, g);
            }
        }
        let mut products = Buffer::new(PLACES * tiles * outputs);
        for (place, products) in products.chunks_exact_mut(tiles * outputs).enumerate() {
            let seen = &seen[place * tiles * channels..][..tiles * channels];
            product(products, Matrix::new(seen, tiles, channels), kernels.at(place), false);
        }
        drop(seen);
        // First pixel row of the task, counted through all photos, and number of rows written so
        // far.
        let first_row = rows.start / tile_rows * height + rows.start % tile_rows * OUT;
        let mut written = 0;
        for (index, row) in rows.enumerate() {
            let high = OUT.min(height - row % tile_rows * OUT);
            for tile_x in 0..tile_columns {
                let wide = OUT.min(width - tile_x * OUT);
                let tile = index * tile_columns + tile_x;
                let at = |row: usize| ((written + row) * width + tile_x * OUT) * outputs;
                vectorised(
                    #[inline(always)]
                    || {
                        for channel in (0..outputs).step_by(LANES) {
                            let square =
                                transform_outputs(&products, tile, tiles, channel, outputs);
                            for (row, values) in square.iter().enumerate().take(high) {
                                for (column, values) in values.iter().enumerate().take(wide) {
                                    y[at(row) + column * outputs + channel..][..LANES]
                                        .copy_from_slice(values);
                                }
                            }
                        }
                    },
                );
                for row in 0..high {
                    let pixel = (first_row + written + row) * width + tile_x * OUT;
                    finish(pixel, &mut y[at(row)..][..wide * outputs]);
                }
            }
            written += high;
        }
    });
    y
}

/// A tile of a photo.
#[derive(Clone, Copy)]
struct Tile {
    photo: usize,
    /// Row and column among the tiles of the photo.
    y: usize,
    x: usize,
    /// Place among the `tiles` of its task.
    index: usize,
    tiles: usize,
}

/// Computes `B^T d B` of one tile for all channels, into `[place, tile, channel]`.
fn transform_inputs(x: &[f32], seen: &mut [f32], tile: Tile, g: &Geometry) {
    let Dims { height, width, channels, .. } = g.input;
    let Tile { photo, index, tiles, .. } = tile;
    // Offset of the pixel at each place; `None` in the padding.
    let pixels: [Option<usize>; PLACES] = std::array::from_fn(|place| {
        let y = (tile.y * OUT + place / IN).checked_sub(1).filter(|&y| y < height)?;
        let x = (tile.x * OUT + place % IN).checked_sub(1).filter(|&x| x < width)?;
        Some(((photo * height + y) * width + x) * channels)
    });
    vectorised(
        #[inline(always)]
        || {
            for channel in (0..channels).step_by(LANES) {
                let mut half = [[[0.0; LANES]; IN]; IN];
                for column in 0..IN {
                    let d: [Lanes; IN] =
                        std::array::from_fn(|row| match pixels[row * IN + column] {
                            Some(at) => x[at + channel..][..LANES].try_into().expect("16 values"),
                            None => [0.0; LANES],
                        });
                    for (row, value) in input_transform(&d).into_iter().enumerate() {
                        half[row][column] = value;
                    }
                }
                for (row, half) in half.iter().enumerate() {
                    for (column, value) in input_transform(half).into_iter().enumerate() {
                        let to = ((row * IN + column) * tiles + index) * channels + channel;
                        seen[to..to + LANES].copy_from_slice(&value);
                    }
                }
            }
        },
    );
}

/// Computes `A^T m A` of one tile for `LANES` channels.
#[inline(always)]
fn transform_outputs(
    products: &[f32],
    tile: usize,
    tiles: usize,
    channel: usize,
    outputs: usize,
) -> [[Lanes; OUT]; OUT] {
    let columns: [[Lanes; OUT]; IN] = std::array::from_fn(|column| {
        let m: [Lanes; IN] = std::array::from_fn(|row| {
            let from = ((row * IN + column) * tiles + tile) * outputs + channel;
            products[from..from + LANES].try_into().expect("16 values")
        });
        output_transform(&m)
    });
    std::array::from_fn(|row| output_transform(&std::array::from_fn(|column| columns[column][row])))
}

#[inline(always)]
fn lanes(value: impl Fn(usize) -> f32) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (lane, x) in lanes.iter_mut().enumerate() {
        *x = value(lane);
    }
    lanes
}

/// `B^T d`.
#[inline(always)]
fn input_transform(d: &[Lanes; IN]) -> [Lanes; IN] {
    let even = lanes(|i| d[4][i] - 4.0 * d[2][i]);
    let odd = lanes(|i| d[3][i] - 4.0 * d[1][i]);
    let even2 = lanes(|i| d[4][i] - d[2][i]);
    let odd2 = lanes(|i| 2.0 * (d[3][i] - d[1][i]));
    [
        lanes(|i| 4.0 * d[0][i] - 5.0 * d[2][i] + d[4][i]),
        lanes(|i| even[i] + odd[i]),
        lanes(|i| even[i] - odd[i]),
        lanes(|i| even2[i] + odd2[i]),
        lanes(|i| even2[i] - odd2[i]),
        lanes(|i| 4.0 * d[1][i] - 5.0 * d[3][i] + d[5][i]),
    ]
}

/// `A^T m`.
#[inline(always)]
fn output_transform(m: &[Lanes; IN]) -> [Lanes; OUT] {
    let sum = lanes(|i| m[1][i] + m[2][i]);
    let difference = lanes(|i| m[1][i] - m[2][i]);
    let sum2 = lanes(|i| m[3][i] + m[4][i]);
    let difference2 = lanes(|i| m[3][i] - m[4][i]);
    [
        lanes(|i| m[0][i] + sum[i] + sum2[i]),
        lanes(|i| difference[i] + 2.0 * difference2[i]),
        lanes(|i| sum[i] + 4.0 * sum2[i]),
        lanes(|i| difference[i] + 8.0 * difference2[i] + m[5][i]),
    ]
}
