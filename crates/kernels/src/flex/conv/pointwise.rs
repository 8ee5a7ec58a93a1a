//! 1 x 1 kernels: one matrix product over all pixels, or, with a stride, over the pixels in use.

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, Panels, product_of_columns, product_of_rows};
use crate::flex::saved_input::SavedInput;

/// `w`: `[channels, outputs]`.
pub fn convolve(
    x: &[f32],
    w: &Panels,
    g: &Geometry,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let (channels, outputs, pixels) = (g.input.channels, g.output.channels, g.output.pixels());
    let mut y = Buffer::new(pixels * outputs);
    let seen = seen(x, g);
    let x = Matrix::new(seen.as_deref().unwrap_or(x), pixels, channels);
    product_of_rows(&mut y, x, w.packed(), finish);
    y
}

pub fn input_gradient(gy: &[f32], w: &[f32], g: &Geometry) -> Buffer {
    let (channels, outputs, pixels) = (g.input.channels, g.output.channels, g.output.pixels());
    let mut seen = Buffer::new(pixels * channels);
    let w = Panels::new(Matrix::new(w, outputs, channels));
    product_of_rows(&mut seen, Matrix::new(gy, pixels, outputs), w.packed(), |_, _| {});
    if g.stride == 1 {
        return seen;
    }
    let mut gx = Buffer::zeros(g.input.len());
    let (row, seen_row) = (g.input.width * channels, g.output.width * channels);
    gx.par_chunks_mut(g.input.height * row)
        .zip(seen.par_chunks(g.output.height * seen_row))
        .for_each(|(gx, seen)| {
            for (y, seen) in seen.chunks_exact(seen_row).enumerate() {
                let gx = &mut gx[y * g.stride * row..][..row];
                for (gx, seen) in
                    gx.chunks_mut(g.stride * channels).zip(seen.chunks_exact(channels))
                {
                    gx[..channels].copy_from_slice(seen);
                }
            }
        });
    gx
}

pub fn weight_gradient(gy: &[f32], x: &SavedInput, g: &Geometry) -> Buffer {
    let (channels, outputs, pixels) = (g.input.channels, g.output.channels, g.output.pixels());
    let gy = Matrix::new(gy, pixels, outputs);
    if g.stride == 1 {
        return product_of_columns(gy, channels, |rows| {
            x.values(rows.start * channels..rows.end * channels)
        });
    }
    let seen = seen(&x.values(0..g.input.len()), g).expect("a stride");
    product_of_columns(gy, channels, |rows| &seen[rows.start * channels..rows.end * channels])
}

/// The pixels that a strided convolution uses; `None` if it uses all.
fn seen(x: &[f32], g: &Geometry) -> Option<Buffer> {
    if g.stride == 1 {
        return None;
    }
    let channels = g.input.channels;
    let (row, seen_row) = (g.input.width * channels, g.output.width * channels);
    let mut seen = Buffer::new(g.output.pixels() * channels);
    seen.par_chunks_mut(g.output.height * seen_row)
        .zip(x.par_chunks(g.input.height * row))
        .for_each(|(seen, x)| {
            for (y, seen) in seen.chunks_exact_mut(seen_row).enumerate() {
                let x = &x[y * g.stride * row..][..row];
                for (seen, x) in seen.chunks_exact_mut(channels).zip(x.chunks(g.stride * channels))
                {
                    seen.copy_from_slice(&x[..channels]);
                }
            }
        });
    Some(seen)
}
