//! k x k kernels over groups of channels, such as the 24 channels of a RegNet's group: each group
//! is a small dense convolution.
//!
//! Copies one group's channels of a band of rows, with the zeros around the map. In the copy the
//! pixels under one row of a window are contiguous, and the windows of consecutive outputs start a
//! stride apart. So the windows of a row of outputs are a matrix that can be read in place: no
//! window is copied (im2col). Each row of the kernel is one matrix product.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, Panels, partial_sums, product, sum_in_order};
use crate::flex::saved_input::SavedInput;
use crate::flex::simd::Instructions;

/// Packed weights: for each group and each kernel row `[kernel columns * channels, outputs]`, with
/// columns of zeros up to whole vectors.
#[derive(Debug)]
pub struct Kernels(Vec<Panels>);

impl Kernels {
    /// Packs `w`, `[outputs, channels / groups, kernel, kernel]`.
    pub fn new(w: &[f32], g: &Geometry) -> Self {
        let sizes = Sizes::of(g);
        Self::of(g, |group, tap, channel, output| {
            w[((group * sizes.outputs + output) * sizes.channels + channel) * g.taps() + tap]
        })
    }

    /// Packs `weight(group, tap, channel, output)`. Channels and outputs count within the group.
    fn of(g: &Geometry, weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync) -> Self {
        let Sizes { channels, outputs, wide_outputs, window_row, .. } = Sizes::of(g);
        let panels = (0..g.groups * g.kernel).into_par_iter().map(|index| {
            let (group, kernel_row) = (index / g.kernel, index % g.kernel);
            let mut values = Buffer::zeros(window_row * wide_outputs);
            for (at, values) in values.chunks_exact_mut(wide_outputs).enumerate() {
                let (column, channel) = (at / channels, at % channels);
                for (output, value) in values[..outputs].iter_mut().enumerate() {
                    *value = weight(group, kernel_row * g.kernel + column, channel, output);
                }
            }
            Panels::on_this_thread(Matrix::new(&values, window_row, wide_outputs))
        });
        Self(panels.collect())
    }

    /// The kernel rows of each group.
    fn by_group(&self, g: &Geometry) -> impl Iterator<Item = &[Panels]> {
        self.0.chunks_exact(g.kernel)
    }
}

/// Sizes of one group.
struct Sizes {
    channels: usize,
    outputs: usize,
    /// Outputs, rounded up to whole vectors, so that products need no copy of their last columns.
    wide_outputs: usize,
    /// Values under one row of a window.
    window_row: usize,
    /// Values between the windows of two consecutive outputs.
    step: usize,
    /// Pixels of a row of the padded copy.
    columns: usize,
}

impl Sizes {
    fn of(g: &Geometry) -> Self {
        let (channels, outputs) = (g.channels_per_group(), g.output.channels / g.groups);
        Self {
            channels,
            outputs,
            wide_outputs: Instructions::detect().packed_columns(outputs),
            window_row: g.kernel * channels,
            step: g.stride * channels,
            columns: (g.output.width - 1) * g.stride + g.kernel,
        }
    }

    /// Values of a row of the padded copy.
    fn row(&self) -> usize {
        self.columns * self.channels
    }
}

/// Rows of the padded input under some rows of outputs.
fn rows_under(outputs: usize, g: &Geometry) -> usize {
    (outputs - 1) * g.stride + g.kernel
}

pub fn convolve(
    x: &[f32],
    w: &Kernels,
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let sizes = Sizes::of(g);
    let Sizes { outputs, wide_outputs, window_row, step, .. } = sizes;
    let (width, height) = (g.output.width, g.output.height);
    let row = width * g.output.channels;
    let rows_per_band = g.rows_per_band();
    let photos = x.par_chunks_exact(g.input.height * g.input.width * g.input.channels);
    let mut y = Buffer::new(g.output.len());
    y.par_chunks_mut(height * row).zip(photos).enumerate().for_each(|(photo, (y, x))| {
        y.par_chunks_mut(rows_per_band * row).enumerate().for_each(|(band, y)| {
            let first = band * rows_per_band;
            let rows = y.len() / row;
            let mut padded = Buffer::new(rows_under(rows, g) * sizes.row());
            let mut sums = Buffer::new(rows * width * wide_outputs);
            for (group, w) in w.by_group(g).enumerate() {
                pad(x, 0, group, first..first + rows, g, &mut padded);
                for (index, sums) in sums.chunks_exact_mut(width * wide_outputs).enumerate() {
                    for (kernel_row, w) in w.iter().enumerate() {
                        let at = (index * g.stride + kernel_row) * sizes.row();
                        let seen = &padded[at..at + sizes.row()];
                        let windows = Matrix::strided(seen, width, window_row, step);
                        product(sums, windows, w.packed(), kernel_row > 0);
                    }
                }
                let pixels = y[group * outputs..].chunks_mut(g.output.channels);
                for (y, sums) in pixels.zip(sums.chunks_exact(wide_outputs)) {
                    y[..outputs].copy_from_slice(&sums[..outputs]);
                }
            }
            finish((photo * height + first) * width, y);
        });
    });
    y
}

pub fn input_gradient(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    let Sizes { channels, outputs, .. } = Sizes::of(g);
    let stored = |group, tap, channel, output| {
        w[((group * outputs + output) * channels + channel) * g.taps() + tap]
    };
    if let Some(turned) = g.turned() {
        // The gradient, convolved with the kernel rotated by 180 degrees, with inputs and outputs
        // exchanged.
        let last = g.taps() - 1;
        let w = Kernels::of(&turned, |group, tap, output, channel| {
            stored(group, last - tap, channel, output)
        });
        return convolve(gy, &w, &turned, |_, _| {});
    }
    spread(gy, stored, g)
}

/// Gradient of the input for any stride. One photo per thread: windows overlap, so one thread adds
/// their gradients in order.
fn spread(
    gy: &[f32],
    weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    g: &Geometry,
) -> Buffer {
    let Sizes { channels, outputs, window_row, step, columns, .. } = Sizes::of(g);
    let [above, left] = g.padding;
    let (width, height) = (g.output.width, g.output.height);
    // The padded copy also holds pixels that no window reaches.
    let columns = columns.max(left + g.input.width);
    let rows = rows_under(height, g).max(above + g.input.height);
    // For each group and kernel row `[outputs, kernel columns * channels]`.
    let panels: Vec<Panels> = (0..g.groups * g.kernel)
        .into_par_iter()
        .map(|index| {
            let (group, kernel_row) = (index / g.kernel, index % g.kernel);
            let mut values = Buffer::new(outputs * window_row);
            for (at, value) in values.iter_mut().enumerate() {
                let (output, at) = (at / window_row, at % window_row);
                let tap = kernel_row * g.kernel + at / channels;
                *value = weight(group, tap, at % channels, output);
            }
            Panels::on_this_thread(Matrix::new(&values, outputs, window_row))
        })
        .collect();
    let (input_row, output_row) = (g.input.width * g.input.channels, width * g.output.channels);
    let mut gx = Buffer::new(g.input.len());
    gx.par_chunks_mut(g.input.height * input_row).zip(gy.par_chunks(height * output_row)).for_each(
        |(gx, gy)| {
            let mut padded = Buffer::new(rows * columns * channels);
            let mut windows = Buffer::new(width * window_row);
            for (group, w) in panels.chunks_exact(g.kernel).enumerate() {
                padded.fill(0.0);
                for (row, gy) in gy.chunks_exact(output_row).enumerate() {
                    let gy = &gy[group * outputs..];
                    let gy = Matrix::strided(gy, width, outputs, g.output.channels);
                    for (kernel_row, w) in w.iter().enumerate() {
                        product(&mut windows, gy, w.packed(), false);
                        let at = (row * g.stride + kernel_row) * columns * channels;
                        for (index, window) in windows.chunks_exact(window_row).enumerate() {
                            let padded = &mut padded[at + index * step..][..window_row];
                            for (sum, x) in padded.iter_mut().zip(window) {
                                *sum += x;
                            }
                        }
                    }
                }
                for (row, gx) in gx.chunks_exact_mut(input_row).enumerate() {
                    let inside = &padded[((above + row) * columns + left) * channels..];
                    let pixels = gx[group * channels..].chunks_mut(g.input.channels);
                    for (gx, inside) in pixels.zip(inside.chunks_exact(channels)) {
                        gx[..channels].copy_from_slice(inside);
                    }
                }
            }
        },
    );
    gx
}

pub fn weight_gradient(gy: &[f32], x: &SavedInput, g: &Geometry) -> Buffer {
    let sizes = Sizes::of(g);
    let Sizes { channels, outputs, wide_outputs, window_row, step, .. } = sizes;
    let (width, height) = (g.output.width, g.output.height);
    let (input_row, output_row) = (g.input.width * g.input.channels, width * g.output.channels);
    // For each group and kernel row `[kernel columns * channels, outputs]`.
    let size = g.groups * g.kernel * window_row * wide_outputs;
    let rows = g.output.batch * height;
    let rows_per_sum = rows.div_ceil(partial_sums(g.output.pixels(), size));
    let mut partial = Buffer::zeros(rows.div_ceil(rows_per_sum) * size);
    partial.par_chunks_mut(size).enumerate().for_each(|(index, sums)| {
        let end = ((index + 1) * rows_per_sum).min(rows);
        for (photo, band) in g.bands(index * rows_per_sum..end) {
            let seen = g.input_rows(band.clone());
            let above = photo * g.input.height;
            let x = x.values((above + seen.start) * input_row..(above + seen.end) * input_row);
            let gy = &gy[(photo * height + band.start) * output_row..][..band.len() * output_row];
            let mut padded = Buffer::new(rows_under(band.len(), g) * sizes.row());
            let mut of_group = Buffer::zeros(width * wide_outputs);
            let sums = sums.chunks_exact_mut(g.kernel * window_row * wide_outputs);
            for (group, sums) in sums.enumerate() {
                pad(&x, seen.start, group, band.clone(), g, &mut padded);
                for (row, gy) in gy.chunks_exact(output_row).enumerate() {
                    let pixels = gy[group * outputs..].chunks(g.output.channels);
                    for (copy, gy) in of_group.chunks_exact_mut(wide_outputs).zip(pixels) {
                        copy[..outputs].copy_from_slice(&gy[..outputs]);
                    }
                    let gy = Panels::on_this_thread(Matrix::new(&of_group, width, wide_outputs));
                    let sums = sums.chunks_exact_mut(window_row * wide_outputs);
                    for (kernel_row, sums) in sums.enumerate() {
                        let at = (row * g.stride + kernel_row) * sizes.row();
                        let seen = &padded[at..at + sizes.row()];
                        let windows = Matrix::strided(seen, width, window_row, step);
                        product(sums, windows.transposed(), gy.packed(), true);
                    }
                }
            }
        }
    });
    let sum = sum_in_order(partial, size);
    // [groups, taps, channels, outputs] to [groups, outputs, channels, taps].
    let mut gw = Buffer::new(g.output.channels * channels * g.taps());
    for (output, gw) in gw.chunks_exact_mut(channels * g.taps()).enumerate() {
        let (group, output) = (output / outputs, output % outputs);
        for (at, value) in gw.iter_mut().enumerate() {
            let (channel, tap) = (at / g.taps(), at % g.taps());
            let from = (group * g.taps() + tap) * channels + channel;
            *value = sum[from * wide_outputs + output];
        }
    }
    gw
}

/// Copies one group's channels of the input under some output rows of a photo, with the zeros
/// around the map: `[rows, columns, channels]`. `x` starts with the photo's row `first_row`.
fn pad(
    x: &[f32],
    first_row: usize,
    group: usize,
    outputs: Range<usize>,
    g: &Geometry,
    padded: &mut [f32],
) {
    let sizes = Sizes::of(g);
    let channels = sizes.channels;
    let [above, left] = g.padding;
    let left = left.min(sizes.columns);
    let columns = g.input.width.min(sizes.columns - left);
    let input_row = g.input.width * g.input.channels;
    for (row, padded) in padded.chunks_exact_mut(sizes.row()).enumerate() {
        let row = (outputs.start * g.stride + row).checked_sub(above);
        let Some(row) = row.filter(|&row| row < g.input.height) else {
            padded.fill(0.0);
            continue;
        };
        let (before, padded) = padded.split_at_mut(left * channels);
        let (inside, after) = padded.split_at_mut(columns * channels);
        before.fill(0.0);
        let x = &x[(row - first_row) * input_row..][..input_row];
        let pixels = x[group * channels..].chunks(g.input.channels);
        for (copy, x) in inside.chunks_exact_mut(channels).zip(pixels) {
            copy.copy_from_slice(&x[..channels]);
        }
        after.fill(0.0);
    }
}
