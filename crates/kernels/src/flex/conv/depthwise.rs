//! One kernel per channel: no product of matrices, but many channels at a time, the kernel held in registers along a
//! row of pixels.

use std::array;
use std::ops::Range;

use rayon::prelude::*;

use super::Geometry;
use crate::flex::buffer::Buffer;
use crate::flex::gemm::sum_in_order;
use crate::flex::simd::vectorised;

/// Channels worked on together: one AVX-512 register, two of AVX2.
const LANES: usize = 16;

/// `w`: `[taps, channels]`, as [`by_tap`] packs them.
pub fn convolve(x: &[f32], w: &[f32], g: &Geometry, finish: impl Fn(usize, &mut [f32]) + Sync) -> Buffer {
    match g.kernel {
        3 => correlate::<3>(x, w, g, finish),
        _ => correlate::<5>(x, w, g, finish),
    }
}

pub fn input_gradient(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    if g.stride == 1 && g.padding < g.kernel {
        // The correlation of the gradient with the kernel turned around.
        let turned = Geometry { input: g.output, output: g.input, padding: g.kernel - 1 - g.padding, ..*g };
        let last = g.taps() - 1;
        let w = by_tap(w, g, |tap| last - tap);
        return convolve(gy, &w, &turned, |_, _| {});
    }
    spread(gy, &by_tap(w, g, |tap| tap), g)
}

pub fn weight_gradient(gy: &[f32], x: &[f32], g: &Geometry) -> Buffer {
    match g.kernel {
        3 => correlate_images::<3>(gy, x, g),
        _ => correlate_images::<5>(gy, x, g),
    }
}

/// `[channels, taps]` to `[taps, channels]`, where `place` says which stored tap stands at one.
pub fn by_tap(w: &[f32], g: &Geometry, place: impl Fn(usize) -> usize) -> Buffer {
    let mut packed = Buffer::new(w.len());
    for (tap, packed) in packed.chunks_exact_mut(g.input.channels).enumerate() {
        for (channel, value) in packed.iter_mut().enumerate() {
            *value = w[channel * g.taps() + place(tap)];
        }
    }
    packed
}

/// Runs `body` for the first of every [`LANES`] channels; the last ones overlap the ones before, so `body` must only
/// overwrite. With fewer channels than lanes, one at a time: `body` is generic over the lanes.
macro_rules! for_lanes {
    ($channels:expr, |$first:ident, $L:ident| $body:block) => {
        if $channels >= LANES {
            const $L: usize = LANES;
            for block in 0..$channels.div_ceil(LANES) {
                let $first = (block * LANES).min($channels - LANES);
                $body
            }
        } else {
            const $L: usize = 1;
            for $first in 0..$channels $body
        }
    };
}

#[inline(always)]
fn load<const L: usize>(values: &[f32], at: usize) -> [f32; L] {
    values[at..at + L].try_into().expect("L values")
}

#[inline(always)]
fn add_product<const L: usize>(sum: &mut [f32; L], a: &[f32; L], b: &[f32; L]) {
    for lane in 0..L {
        sum[lane] += a[lane] * b[lane];
    }
}

/// Input row under kernel row `k` at output row `oy`; a row of zeros outside.
#[inline(always)]
fn input_row<'a>(
    x: &'a [f32],
    zeros: &'a [f32],
    photo: usize,
    oy: usize,
    k: usize,
    g: &Geometry,
) -> &'a [f32] {
    let row = g.input.width * g.input.channels;
    match (oy * g.stride + k).checked_sub(g.padding).filter(|&y| y < g.input.height) {
        Some(y) => &x[(photo * g.input.height + y) * row..][..row],
        None => &zeros[..row],
    }
}

/// Kernel columns that lie over the input at output column `ox`.
#[inline(always)]
fn kernel_columns(ox: usize, g: &Geometry) -> Range<usize> {
    let first = g.padding.saturating_sub(ox * g.stride);
    let end = (g.input.width + g.padding).saturating_sub(ox * g.stride).min(g.kernel);
    first..end.max(first)
}

/// Output columns whose whole kernel lies over the input.
fn inner_columns(g: &Geometry) -> Range<usize> {
    let first = g.padding.div_ceil(g.stride).min(g.output.width);
    let end = match (g.input.width + g.padding).checked_sub(g.kernel) {
        Some(room) => (room / g.stride + 1).min(g.output.width),
        None => 0,
    };
    first..end.max(first)
}

/// The forward pass; `w`: `[taps, channels]`.
fn correlate<const K: usize>(
    x: &[f32],
    w: &[f32],
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let channels = g.input.channels;
    let zeros = Buffer::zeros(g.input.width * channels);
    let inner = inner_columns(g);
    let mut y = Buffer::new(g.output.len());
    y.par_chunks_mut(g.output.width * channels).enumerate().for_each(|(row, y)| {
        let (photo, oy) = (row / g.output.height, row % g.output.height);
        let rows: [&[f32]; K] = array::from_fn(|k| input_row(x, &zeros, photo, oy, k, g));
        vectorised(
            #[inline(always)]
            || {
                for_lanes!(channels, |first, L| {
                    row_of_outputs::<K, L>(&rows, w, y, first, &inner, g);
                })
            },
        );
        finish(row * g.output.width, y);
    });
    y
}

#[inline(always)]
fn row_of_outputs<const K: usize, const L: usize>(
    rows: &[&[f32]; K],
    w: &[f32],
    y: &mut [f32],
    first: usize,
    inner: &Range<usize>,
    g: &Geometry,
) {
    let channels = g.input.channels;
    let taps: [[[f32; L]; K]; K] =
        array::from_fn(|ky| array::from_fn(|kx| load(w, (ky * K + kx) * channels + first)));
    for ox in (0..inner.start).chain(inner.end..g.output.width) {
        let mut sum = [0.0; L];
        for kx in kernel_columns(ox, g) {
            let at = (ox * g.stride + kx - g.padding) * channels + first;
            for (ky, row) in rows.iter().enumerate() {
                add_product(&mut sum, &load(row, at), &load(w, (ky * K + kx) * channels + first));
            }
        }
        y[ox * channels + first..][..L].copy_from_slice(&sum);
    }
    for ox in inner.clone() {
        let at = (ox * g.stride - g.padding) * channels + first;
        let mut sum = [0.0; L];
        for (row, taps) in rows.iter().zip(&taps) {
            for (kx, tap) in taps.iter().enumerate() {
                add_product(&mut sum, &load(row, at + kx * channels), tap);
            }
        }
        y[ox * channels + first..][..L].copy_from_slice(&sum);
    }
}

/// The gradient of the input for any stride; `w`: `[taps, channels]`. Each input pixel collects from the outputs that
/// saw it.
fn spread(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    let channels = g.input.channels;
    let output_row = g.output.width * channels;
    // (kernel index, output index) pairs that touch each input index, on one axis.
    let touching = |inputs: usize, outputs: usize| -> Vec<Vec<(usize, usize)>> {
        (0..inputs)
            .map(|i| {
                (0..g.kernel)
                    .filter_map(|k| Some((k, (i + g.padding).checked_sub(k)?)))
                    .filter(|&(_, at)| at % g.stride == 0 && at / g.stride < outputs)
                    .map(|(k, at)| (k, at / g.stride))
                    .collect()
            })
            .collect()
    };
    let rows_touching = touching(g.input.height, g.output.height);
    let columns_touching = touching(g.input.width, g.output.width);
    let mut gx = Buffer::new(g.input.len());
    gx.par_chunks_mut(g.input.width * channels).enumerate().for_each(|(row, gx)| {
        let (photo, iy) = (row / g.input.height, row % g.input.height);
        vectorised(
            #[inline(always)]
            || {
                for_lanes!(channels, |first, L| {
                    for (columns, gx) in columns_touching.iter().zip(gx.chunks_exact_mut(channels)) {
                        let mut sum = [0.0; L];
                        for &(ky, oy) in &rows_touching[iy] {
                            let from = (photo * g.output.height + oy) * output_row;
                            for &(kx, ox) in columns {
                                let seen: [f32; L] = load(gy, from + ox * channels + first);
                                let tap = load(w, (ky * g.kernel + kx) * channels + first);
                                add_product(&mut sum, &seen, &tap);
                            }
                        }
                        gx[first..][..L].copy_from_slice(&sum);
                    }
                })
            },
        );
    });
    gx
}

/// The gradient of the weights: the correlation of the input with the gradient of the output.
fn correlate_images<const K: usize>(gy: &[f32], x: &[f32], g: &Geometry) -> Buffer {
    let channels = g.input.channels;
    let output_row = g.output.width * channels;
    let zeros = Buffer::zeros(g.input.width * channels);
    let inner = inner_columns(g);
    // At most 32 partial sums, whatever the number of threads.
    let rows = g.output.batch * g.output.height;
    let rows_per_sum = rows.div_ceil(32).max(4);
    let size = K * K * channels;
    let mut partial = Buffer::zeros(rows.div_ceil(rows_per_sum) * size);
    partial.par_chunks_mut(size).enumerate().for_each(|(index, partial)| {
        for row in index * rows_per_sum..((index + 1) * rows_per_sum).min(rows) {
            let (photo, oy) = (row / g.output.height, row % g.output.height);
            let gy = &gy[row * output_row..][..output_row];
            let rows: [&[f32]; K] = array::from_fn(|k| input_row(x, &zeros, photo, oy, k, g));
            vectorised(
                #[inline(always)]
                || {
                    row_of_taps::<K>(&rows, gy, partial, &inner, g);
                },
            );
        }
    });
    let sum = sum_in_order(partial, size);
    let mut gw = Buffer::new(size);
    for (channel, gw) in gw.chunks_exact_mut(K * K).enumerate() {
        for (tap, value) in gw.iter_mut().enumerate() {
            *value = sum[tap * channels + channel];
        }
    }
    gw
}

/// Adds one row of outputs to the sums `[taps, channels]`.
#[inline(always)]
fn row_of_taps<const K: usize>(
    rows: &[&[f32]; K],
    gy: &[f32],
    sums: &mut [f32],
    inner: &Range<usize>,
    g: &Geometry,
) {
    let channels = g.input.channels;
    // One kernel row at a time: its sums and the pixels they need fit the registers.
    for (row, sums) in rows.iter().zip(sums.chunks_exact_mut(K * channels)) {
        // The overlap of the last lanes is computed from the sums as they were before this row.
        let tail_first = channels.saturating_sub(LANES);
        let before: [[f32; LANES]; K] = if channels >= LANES {
            array::from_fn(|kx| load(sums, kx * channels + tail_first))
        } else {
            [[0.0; LANES]; K]
        };
        for_lanes!(channels, |first, L| {
            let mut taps: [[f32; L]; K] = if L == LANES && first == tail_first {
                array::from_fn(|kx| array::from_fn(|lane| before[kx][lane]))
            } else {
                array::from_fn(|kx| load(sums, kx * channels + first))
            };
            for ox in (0..inner.start).chain(inner.end..g.output.width) {
                let seen: [f32; L] = load(gy, ox * channels + first);
                for kx in kernel_columns(ox, g) {
                    let at = (ox * g.stride + kx - g.padding) * channels + first;
                    add_product(&mut taps[kx], &seen, &load(row, at));
                }
            }
            for ox in inner.clone() {
                let seen: [f32; L] = load(gy, ox * channels + first);
                let at = (ox * g.stride - g.padding) * channels + first;
                for (kx, tap) in taps.iter_mut().enumerate() {
                    add_product(tap, &seen, &load(row, at + kx * channels));
                }
            }
            for (kx, tap) in taps.iter().enumerate() {
                sums[kx * channels + first..][..L].copy_from_slice(tap);
            }
        });
    }
}
