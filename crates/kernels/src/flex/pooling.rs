//! Pooling, forward and backward.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::buffer::Buffer;
use super::nhwc::{self, ChannelsLast, Dims};
use super::saved_input::SavedInput;
use super::simd::vectorised;

/// Mean over height and width.
pub fn global_avg_pool(x: &ChannelsLast) -> FlexTensor {
    let dims = x.dims();
    let (pixels, channels) = (dims.height * dims.width, dims.channels);
    let mut y = Buffer::zeros(dims.batch * channels);
    y.par_chunks_mut(channels).zip(x.values().par_chunks(pixels * channels)).for_each(|(y, x)| {
        vectorised(
            #[inline(always)]
            || {
                for x in x.chunks_exact(channels) {
                    for (y, x) in y.iter_mut().zip(x) {
                        *y += x;
                    }
                }
                for y in y.iter_mut() {
                    *y /= pixels as f32;
                }
            },
        );
    });
    nhwc::tensor(y, Dims { height: 1, width: 1, ..dims })
}

/// Gradient of the input, of shape `dims`, of [`global_avg_pool`]. Adds it to `other`, the gradient
/// from another consumer of the input, if there is one.
pub fn global_avg_pool_gradient(
    gradient: &ChannelsLast,
    dims: Dims,
    other: Option<ChannelsLast>,
) -> FlexTensor {
    let (pixels, channels) = (dims.height * dims.width, dims.channels);
    let share = 1.0 / pixels as f32;
    if let Some(mut other) = other {
        assert_eq!(other.dims(), dims);
        let rows = other.values_mut().par_chunks_mut(dims.width * channels);
        rows.enumerate().for_each(|(row, gx)| {
            let g = &gradient.values()[row / dims.height * channels..][..channels];
            vectorised(
                #[inline(always)]
                || {
                    for gx in gx.chunks_exact_mut(channels) {
                        for (gx, g) in gx.iter_mut().zip(g) {
                            *gx += g * share;
                        }
                    }
                },
            );
        });
        return other.into_tensor();
    }
    let mut gx = Buffer::new(dims.len());
    gx.par_chunks_mut(pixels * channels).zip(gradient.values().par_chunks(channels)).for_each(
        |(gx, g)| {
            vectorised(
                #[inline(always)]
                || {
                    for gx in gx.chunks_exact_mut(channels) {
                        for (gx, g) in gx.iter_mut().zip(g) {
                            *gx = g * share;
                        }
                    }
                },
            );
        },
    );
    nhwc::tensor(gx, dims)
}

/// A square window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Window {
    fn output(&self, dims: Dims) -> Dims {
        let side = |side: usize| (side + 2 * self.padding - self.kernel) / self.stride + 1;
        Dims { height: side(dims.height), width: side(dims.width), ..dims }
    }

    /// Input indices under the window at output index `at`, on an axis of length `side`.
    #[inline(always)]
    fn inputs(&self, at: usize, side: usize) -> std::ops::Range<usize> {
        let from = (at * self.stride).saturating_sub(self.padding);
        let to = (at * self.stride + self.kernel).saturating_sub(self.padding).min(side);
        from..to.max(from)
    }
}

/// Mean of each window of `side` by `side`; windows do not overlap. A window at the far edge
/// averages only the pixels inside the map.
pub fn avg_pool(x: &ChannelsLast, side: usize) -> FlexTensor {
    let (dims, window) = (x.dims(), Window { kernel: side, stride: side, padding: 0 });
    let output = tiles(dims, side);
    let (channels, x) = (dims.channels, x.values());
    let mut y = Buffer::zeros(output.len());
    y.par_chunks_mut(output.width * channels).enumerate().for_each(|(row, y)| {
        let (photo, oy) = (row / output.height, row % output.height);
        let rows = window.inputs(oy, dims.height);
        vectorised(
            #[inline(always)]
            || {
                for (ox, y) in y.chunks_exact_mut(channels).enumerate() {
                    let columns = window.inputs(ox, dims.width);
                    for iy in rows.clone() {
                        let first =
                            ((photo * dims.height + iy) * dims.width + columns.start) * channels;
                        for x in x[first..][..columns.len() * channels].chunks_exact(channels) {
                            for (y, x) in y.iter_mut().zip(x) {
                                *y += x;
                            }
                        }
                    }
                    let pixels = (rows.len() * columns.len()) as f32;
                    for y in y.iter_mut() {
                        *y /= pixels;
                    }
                }
            },
        );
    });
    nhwc::tensor(y, output)
}

/// Gradient of the input, of shape `dims`, of [`avg_pool`].
pub fn avg_pool_gradient(gradient: &ChannelsLast, dims: Dims, side: usize) -> FlexTensor {
    let window = Window { kernel: side, stride: side, padding: 0 };
    let (channels, output) = (dims.channels, gradient.dims());
    let mut gx = Buffer::new(dims.len());
    gx.par_chunks_mut(dims.width * channels).enumerate().for_each(|(row, gx)| {
        let (photo, oy) = (row / dims.height, row % dims.height / side);
        let rows = window.inputs(oy, dims.height).len();
        let g = &gradient.values()[(photo * output.height + oy) * output.width * channels..];
        vectorised(
            #[inline(always)]
            || {
                for (gx, g) in gx.chunks_mut(side * channels).zip(g.chunks_exact(channels)) {
                    let share = 1.0 / (rows * gx.len() / channels) as f32;
                    for gx in gx.chunks_exact_mut(channels) {
                        for (gx, g) in gx.iter_mut().zip(g) {
                            *gx = g * share;
                        }
                    }
                }
            },
        );
    });
    nhwc::tensor(gx, dims)
}

/// Shape of the result of [`avg_pool`].
fn tiles(dims: Dims, side: usize) -> Dims {
    Dims { height: dims.height.div_ceil(side), width: dims.width.div_ceil(side), ..dims }
}

/// Maximum of each window; NaN wins, padding never does.
pub fn max_pool(x: &ChannelsLast, window: Window) -> FlexTensor {
    let (dims, output) = (x.dims(), window.output(x.dims()));
    let (channels, x) = (dims.channels, x.values());
    let mut y = Buffer::new(output.len());
    y.par_chunks_mut(output.width * channels).enumerate().for_each(|(row, y)| {
        let (photo, oy) = (row / output.height, row % output.height);
        vectorised(
            #[inline(always)]
            || {
                for (ox, y) in y.chunks_exact_mut(channels).enumerate() {
                    y.fill(f32::NEG_INFINITY);
                    for iy in window.inputs(oy, dims.height) {
                        for ix in window.inputs(ox, dims.width) {
                            let pixel = ((photo * dims.height + iy) * dims.width + ix) * channels;
                            for (y, &x) in y.iter_mut().zip(&x[pixel..][..channels]) {
                                *y = if x > *y || x.is_nan() { x } else { *y };
                            }
                        }
                    }
                }
            },
        );
    });
    nhwc::tensor(y, output)
}

/// Gradient of the input of [`max_pool`]. The gradient of each window goes to the first of its
/// pixels, row by row, that has the maximum, as in PyTorch. Finds that pixel again from `x` and the
/// output `y`, so that no indices are stored.
pub fn max_pool_gradient(
    x: &SavedInput,
    y: &ChannelsLast,
    gradient: &ChannelsLast,
    window: Window,
) -> FlexTensor {
    let (dims, output) = (x.dims(), y.dims());
    let channels = dims.channels;
    let (size, output_size) =
        (dims.height * dims.width * channels, output.height * output.width * channels);
    let (y, g) = (y.values(), gradient.values());
    let mut gx = Buffer::new(dims.len());
    gx.par_chunks_mut(size).enumerate().for_each(|(photo, gx)| {
        gx.fill(0.0);
        let x = x.values(photo * size..(photo + 1) * size);
        let (y, g) =
            (&y[photo * output_size..][..output_size], &g[photo * output_size..][..output_size]);
        let mut left = vec![0.0; channels];
        vectorised(
            #[inline(always)]
            || {
                for (index, (y, g)) in
                    y.chunks_exact(channels).zip(g.chunks_exact(channels)).enumerate()
                {
                    let (oy, ox) = (index / output.width, index % output.width);
                    left.copy_from_slice(g);
                    for iy in window.inputs(oy, dims.height) {
                        for ix in window.inputs(ox, dims.width) {
                            let pixel = (iy * dims.width + ix) * channels;
                            let (x, gx) = (&x[pixel..][..channels], &mut gx[pixel..][..channels]);
                            for (((x, gx), y), left) in x.iter().zip(gx).zip(y).zip(&mut left) {
                                let given = if x == y { *left } else { 0.0 };
                                *gx += given;
                                *left -= given;
                            }
                        }
                    }
                }
            },
        );
    });
    nhwc::tensor(gx, dims)
}
