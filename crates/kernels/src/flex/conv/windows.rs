//! k x k kernels over all channels: copies the windows of some pixels into rows (im2col), a block
//! that stays in cache, and multiplies them by the weights.
//!
//! The order inside a window is kernel row, kernel column, channel, so that each of its pixels is
//! one copy.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, Panels, partial_sums, product, rows_per_block, sum_in_order};
use crate::flex::nhwc::Dims;
use crate::flex::saved_input::SavedInput;

/// Packs the weights for [`convolve`].
pub fn pack(w: &[f32], g: &Geometry) -> Panels {
    let w = window_by_output(w, g, |channel, tap, output| (channel, tap, output));
    Panels::new(Matrix::new(&w, g.taps() * g.input.channels, g.output.channels))
}

/// `w`: `[window, outputs]`.
pub fn convolve(
    x: &[f32],
    w: &Panels,
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let outputs = g.output.channels;
    let window = g.taps() * g.input.channels;
    let rows = rows_per_block(g.output.pixels(), window + outputs);
    let mut y = Buffer::new(g.output.len());
    y.par_chunks_mut(rows * outputs).enumerate().for_each(|(block, y)| {
        let rows_here = y.len() / outputs;
        let mut windows = Buffer::new(rows_here * window);
        gather(x, 0, &mut windows, block * rows, g);
        product(y, Matrix::new(&windows, rows_here, window), w.packed(), false);
        finish(block * rows, y);
    });
    y
}

pub fn input_gradient(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    if let Some(turned) = g.turned() {
        // Convolve the gradient with the kernel rotated by 180 degrees, with inputs and outputs
        // exchanged.
        let last = g.taps() - 1;
        let (channels, outputs) = (turned.input.channels, turned.output.channels);
        let w = window_by_output(w, &turned, |channel, tap, output| (output, last - tap, channel));
        let w = Panels::new(Matrix::new(&w, g.taps() * channels, outputs));
        return convolve(gy, &w, &turned, |_, _| {});
    }
    // One photo per thread: windows overlap, so one thread adds their gradients in order.
    let Dims { channels, height, width, .. } = g.input;
    let (outputs, per_photo) = (g.output.channels, g.output.height * g.output.width);
    let window = g.taps() * channels;
    let w = window_by_output(w, g, |channel, tap, output| (channel, tap, output));
    let w = Panels::new(Matrix::new(&w, window, outputs).transposed());
    let rows = rows_per_block(per_photo, window + outputs);
    let mut gx = Buffer::new(g.input.len());
    gx.par_chunks_mut(height * width * channels).zip(gy.par_chunks(per_photo * outputs)).for_each(
        |(gx, gy)| {
            gx.fill(0.0);
            for (block, gy) in gy.chunks(rows * outputs).enumerate() {
                let rows_here = gy.len() / outputs;
                let mut windows = Buffer::new(rows_here * window);
                product(&mut windows, Matrix::new(gy, rows_here, outputs), w.packed(), false);
                scatter(&windows, gx, block * rows, g);
            }
        },
    );
    gx
}

pub fn weight_gradient(gy: &[f32], x: &SavedInput, g: &Geometry) -> Buffer {
    let outputs = g.output.channels;
    let window = g.taps() * g.input.channels;
    let input_row = g.input.width * g.input.channels;
    let rows = rows_per_block(g.output.pixels(), window + outputs);
    let size = outputs * window;
    let blocks = g.output.pixels().div_ceil(rows);
    let sums = partial_sums(g.output.pixels(), size).min(blocks);
    let blocks_per_sum = blocks.div_ceil(sums);
    let mut partial = Buffer::new(blocks.div_ceil(blocks_per_sum) * size);
    partial.par_chunks_mut(size).enumerate().for_each(|(sum, partial)| {
        let first = sum * blocks_per_sum;
        for block in first..(first + blocks_per_sum).min(blocks) {
            let first_row = block * rows;
            let rows_here = rows.min(g.output.pixels() - first_row);
            let mut windows = Buffer::new(rows_here * window);
            let seen = rows_under(first_row..first_row + rows_here, g);
            let x = x.values(seen.start * input_row..seen.end * input_row);
            gather(&x, seen.start * g.input.width, &mut windows, first_row, g);
            let gy =
                Matrix::new(&gy[first_row * outputs..][..rows_here * outputs], rows_here, outputs);
            let windows = Panels::on_this_thread(Matrix::new(&windows, rows_here, window));
            product(partial, gy.transposed(), windows.packed(), block > first);
        }
    });
    let sum = sum_in_order(partial, size);
    // [outputs, taps, channels] to [outputs, channels, taps].
    let mut gw = Buffer::new(size);
    let (taps, channels) = (g.taps(), g.input.channels);
    gw.par_chunks_mut(window).zip(sum.par_chunks(window)).for_each(|(gw, sum)| {
        for (channel, gw) in gw.chunks_exact_mut(taps).enumerate() {
            for (tap, value) in gw.iter_mut().enumerate() {
                *value = sum[tap * channels + channel];
            }
        }
    });
    gw
}

/// Packs the weights as `[taps * channels, outputs]` of the convolution `g`. `place` maps (channel,
/// tap, output) to the stored (channel, tap, output).
fn window_by_output(
    w: &[f32],
    g: &Geometry,
    place: impl Fn(usize, usize, usize) -> (usize, usize, usize) + Sync,
) -> Buffer {
    let (taps, channels, outputs) = (g.taps(), g.input.channels, g.output.channels);
    // Number of channels in `w`: that of `g`, or that of its outputs if the two are exchanged.
    let stored_channels = place(channels - 1, 0, outputs - 1).0 + 1;
    let mut packed = Buffer::new(w.len());
    packed.par_chunks_mut(outputs).enumerate().for_each(|(row, packed)| {
        let (tap, channel) = (row / channels, row % channels);
        for (output, value) in packed.iter_mut().enumerate() {
            let (channel, tap, output) = place(channel, tap, output);
            *value = w[(output * stored_channels + channel) * taps + tap];
        }
    });
    packed
}

/// Input rows that a range of outputs uses, counted through all photos.
fn rows_under(outputs: Range<usize>, g: &Geometry) -> Range<usize> {
    let row = |output: usize| {
        (output / g.output.width / g.output.height, output / g.output.width % g.output.height)
    };
    let ((first_photo, first), (last_photo, last)) = (row(outputs.start), row(outputs.end - 1));
    let height = g.input.height;
    first_photo * height + g.input_rows(first..first + 1).start
        ..last_photo * height + g.input_rows(last..last + 1).end
}

/// Copies the windows of the outputs from `first` on. `x` starts with the input's pixel `from`.
fn gather(x: &[f32], from: usize, windows: &mut [f32], first: usize, g: &Geometry) {
    let channels = g.input.channels;
    for (index, window) in windows.chunks_exact_mut(g.taps() * channels).enumerate() {
        for_each_kernel_row(first + index, g, |kernel_row, from_column, columns, pixel| {
            let row = &mut window[kernel_row * g.kernel * channels..][..g.kernel * channels];
            let (before, rest) = row.split_at_mut(from_column * channels);
            let (inside, after) = rest.split_at_mut(columns * channels);
            before.fill(0.0);
            if let Some(pixel) = pixel {
                inside.copy_from_slice(&x[(pixel - from) * channels..][..inside.len()]);
            }
            after.fill(0.0);
        });
    }
}

/// Adds windows to the pixels under them: those of one photo, for the outputs from `first` on.
fn scatter(windows: &[f32], gx: &mut [f32], first: usize, g: &Geometry) {
    let channels = g.input.channels;
    for (index, window) in windows.chunks_exact(g.taps() * channels).enumerate() {
        for_each_kernel_row(first + index, g, |kernel_row, from_column, columns, pixel| {
            let Some(pixel) = pixel else { return };
            let from = (kernel_row * g.kernel + from_column) * channels;
            let inside = &window[from..][..columns * channels];
            for (gx, x) in gx[pixel * channels..][..inside.len()].iter_mut().zip(inside) {
                *gx += x;
            }
        });
    }
}

/// Calls `visit(kernel_row, from_column, columns, pixel)` for every kernel row at one output:
/// `columns` of its columns, starting at `from_column`, are over the input, the first of them over
/// `pixel`.
#[inline(always)]
fn for_each_kernel_row(
    output: usize,
    g: &Geometry,
    mut visit: impl FnMut(usize, usize, usize, Option<usize>),
) {
    let Dims { height, width, .. } = g.input;
    let (row, ox) = (output / g.output.width, output % g.output.width);
    let (photo, oy) = (row / g.output.height, row % g.output.height);
    // Kernel column k is over input column ox * stride + k - left.
    let [above, left] = g.padding;
    let from_column = left.saturating_sub(ox * g.stride).min(g.kernel);
    let to_column = (width + left).saturating_sub(ox * g.stride).clamp(from_column, g.kernel);
    let columns = to_column - from_column;
    for kernel_row in 0..g.kernel {
        let y =
            (oy * g.stride + kernel_row).checked_sub(above).filter(|&y| y < height && columns > 0);
        match y {
            Some(y) => {
                let x = ox * g.stride + from_column - left;
                visit(kernel_row, from_column, columns, Some((photo * height + y) * width + x));
            }
            None => visit(kernel_row, g.kernel, 0, None),
        }
    }
}
