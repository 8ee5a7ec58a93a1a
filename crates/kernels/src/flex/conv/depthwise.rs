//! One kernel per channel: works on rows of pixels, many channels at a time, instead of matrix
//! products.

mod band;

use rayon::prelude::*;

use self::band::Band;
use super::geometry::Geometry;
use crate::flex::buffer::Buffer;
use crate::flex::gemm::sum_in_order;
use crate::flex::saved_input::SavedInput;
use crate::flex::simd::vectorised;

/// Computes the convolution. `w`: `[taps, channels]`, as [`by_tap`] packs them.
pub fn convolve(
    x: &[f32],
    w: &[f32],
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let row = g.output.width * g.output.channels;
    let photos = x.par_chunks_exact(g.input.height * g.input.width * g.input.channels);
    let zeros = Buffer::zeros(g.input.width * g.input.channels);
    let rows_per_band = g.rows_per_band();
    let mut y = Buffer::new(g.output.len());
    y.par_chunks_mut(g.output.height * row).zip(photos).enumerate().for_each(
        |(index, (y, photo))| {
            y.par_chunks_mut(rows_per_band * row).enumerate().for_each(|(band, y)| {
                let first = band * rows_per_band;
                let rows = first..first + y.len() / row;
                Band { x: photo, first_row: 0, zeros: &zeros, rows, g }.correlate(w, y);
                finish((index * g.output.height + first) * g.output.width, y);
            });
        },
    );
    y
}

pub fn input_gradient(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    if let Some(turned) = g.turned() {
        // The gradient, correlated with the kernel rotated by 180 degrees.
        let last = g.taps() - 1;
        let w = by_tap(w, g, |tap| last - tap);
        return convolve(gy, &w, &turned, |_, _| {});
    }
    spread(gy, &by_tap(w, g, |tap| tap), g)
}

pub fn weight_gradient(gy: &[f32], x: &SavedInput, g: &Geometry) -> Buffer {
    let (row, height) = (g.output.width * g.output.channels, g.output.height);
    let zeros = Buffer::zeros(g.input.width * g.input.channels);
    // At most 32 partial sums, for any number of threads.
    let rows = g.output.batch * height;
    let rows_per_sum = rows.div_ceil(32).max(4);
    let size = g.taps() * g.input.channels;
    let mut partial = Buffer::zeros(rows.div_ceil(rows_per_sum) * size);
    partial.par_chunks_mut(size).enumerate().for_each(|(index, sums)| {
        let end = ((index + 1) * rows_per_sum).min(rows);
        for (photo, rows) in g.bands(index * rows_per_sum..end) {
            let input_row = g.input.width * g.input.channels;
            let seen = g.input_rows(rows.clone());
            let above = photo * g.input.height;
            let x = x.values((above + seen.start) * input_row..(above + seen.end) * input_row);
            let gy = &gy[(photo * height + rows.start) * row..][..rows.len() * row];
            let band = Band { x: &x, first_row: seen.start, zeros: &zeros, rows, g };
            band.add_weight_gradient(gy, sums);
        }
    });
    let sum = sum_in_order(partial, size);
    let mut gw = Buffer::new(size);
    for (channel, gw) in gw.chunks_exact_mut(g.taps()).enumerate() {
        for (tap, value) in gw.iter_mut().enumerate() {
            *value = sum[tap * g.input.channels + channel];
        }
    }
    gw
}

/// Transposes `[channels, taps]` to `[taps, channels]`. `place` maps a tap to its index in `w`.
pub fn by_tap(w: &[f32], g: &Geometry, place: impl Fn(usize) -> usize) -> Buffer {
    let mut packed = Buffer::new(w.len());
    for (tap, packed) in packed.chunks_exact_mut(g.input.channels).enumerate() {
        for (channel, value) in packed.iter_mut().enumerate() {
            *value = w[channel * g.taps() + place(tap)];
        }
    }
    packed
}

/// Gradient of the input for any stride; `w`: `[taps, channels]`. Each input pixel collects from
/// the outputs that used it.
fn spread(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    let channels = g.input.channels;
    let output_row = g.output.width * channels;
    let [above, left] = g.padding;
    // (kernel index, output index) pairs that use each input index, along one axis.
    let touching = |inputs: usize, outputs: usize, padding: usize| -> Vec<Vec<(usize, usize)>> {
        (0..inputs)
            .map(|i| {
                (0..g.kernel)
                    .filter_map(|k| Some((k, (i + padding).checked_sub(k)?)))
                    .filter(|&(_, at)| at % g.stride == 0 && at / g.stride < outputs)
                    .map(|(k, at)| (k, at / g.stride))
                    .collect()
            })
            .collect()
    };
    let rows_touching = touching(g.input.height, g.output.height, above);
    let columns_touching = touching(g.input.width, g.output.width, left);
    let mut gx = Buffer::new(g.input.len());
    gx.par_chunks_mut(g.input.width * channels).enumerate().for_each(|(row, gx)| {
        let (photo, iy) = (row / g.input.height, row % g.input.height);
        vectorised(
            #[inline(always)]
            || {
                for (columns, gx) in columns_touching.iter().zip(gx.chunks_exact_mut(channels)) {
                    gx.fill(0.0);
                    for &(ky, oy) in &rows_touching[iy] {
                        let from = (photo * g.output.height + oy) * output_row;
                        for &(kx, ox) in columns {
                            let seen = &gy[from + ox * channels..][..channels];
                            let tap = &w[(ky * g.kernel + kx) * channels..][..channels];
                            for ((gx, seen), tap) in gx.iter_mut().zip(seen).zip(tap) {
                                *gx += seen * tap;
                            }
                        }
                    }
                }
            },
        );
    });
    gx
}
