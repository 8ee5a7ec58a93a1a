//! Computes a band of output rows of a depthwise convolution on one thread, many channels at a
//! time. The kernel, or its gradient, stays in registers along the rows. Each input pixel is loaded
//! once for all outputs of a group that use it.

#![allow(unsafe_code)]

use std::array;
use std::ops::Range;

use crate::flex::conv::Geometry;
use crate::flex::simd::{Instructions, Kernel};
use crate::flex::vector::{Four, Vector};

/// Number of neighbouring outputs that are computed together.
const TOGETHER: usize = 4;

/// The same for 7 x 7 kernels, whose many taps make a group of four wait for its sums.
const MANY: usize = 8;

/// Stride that is not known at compile time.
const ANY: usize = 0;

/// Consecutive output rows of one photo.
pub struct Band<'a> {
    /// The part of the photo, `[height, width, channels]`, that the outputs need; starts at
    /// `first_row`.
    pub x: &'a [f32],
    pub first_row: usize,
    /// A row of zeros, read in place of rows above and below the photo.
    pub zeros: &'a [f32],
    pub rows: Range<usize>,
    pub g: &'a Geometry,
}

impl Band<'_> {
    /// Computes the outputs `y` of the band, `[rows, width, channels]`, for the kernel `w`,
    /// `[taps, channels]`.
    pub fn correlate(self, w: &[f32], y: &mut [f32]) {
        self.check(w.len(), y.len());
        // SAFETY: every row, column and tap in use is inside the slices, whose sizes were checked.
        unsafe { Instructions::detect().run(Correlate { band: self, w, y }) }
    }

    /// Adds the contribution of the output gradients `gy` of the band to the gradient `sums` of the
    /// kernel, `[taps, channels]`.
    pub fn add_weight_gradient(self, gy: &[f32], sums: &mut [f32]) {
        self.check(sums.len(), gy.len());
        // SAFETY: as in `correlate`.
        unsafe { Instructions::detect().run(WeightGradient { band: self, gy, sums }) }
    }

    fn check(&self, taps: usize, outputs: usize) {
        let Geometry { input, output, .. } = self.g;
        let seen = self.g.input_rows(self.rows.clone());
        assert!(self.first_row <= seen.start);
        assert!(self.x.len() >= (seen.end - self.first_row) * input.width * input.channels);
        assert_eq!(self.zeros.len(), input.width * input.channels);
        assert!(self.rows.end <= output.height);
        assert_eq!(outputs, self.rows.len() * output.width * output.channels);
        assert_eq!(taps, self.g.taps() * input.channels);
        assert!(matches!(self.g.kernel, 3 | 5 | 7));
    }

    /// Pointers to the input rows under an output row, starting at channel `first`.
    #[inline(always)]
    unsafe fn rows_under<const K: usize>(&self, oy: usize, first: usize) -> [*const f32; K] {
        let Geometry { input, stride, padding: [above, _], .. } = self.g;
        array::from_fn(|k| {
            let row = match (oy * stride + k).checked_sub(*above).filter(|&y| y < input.height) {
                Some(y) => self.x[(y - self.first_row) * input.width * input.channels..].as_ptr(),
                None => self.zeros.as_ptr(),
            };
            // SAFETY: `first` is a channel of the row's first pixel.
            unsafe { row.add(first) }
        })
    }

    /// Output columns for which the whole kernel is over the photo.
    fn inner_columns(&self) -> Range<usize> {
        let Geometry { input, output, kernel, stride, padding: [_, left], .. } = *self.g;
        let first = left.div_ceil(stride).min(output.width);
        let end = match (input.width + left).checked_sub(kernel) {
            Some(room) => (room / stride + 1).min(output.width),
            None => 0,
        };
        first..end.max(first)
    }

    /// Kernel columns that are over the photo at output column `ox`.
    #[inline(always)]
    fn kernel_columns(&self, ox: usize) -> Range<usize> {
        let Geometry { input, kernel, stride, padding: [_, left], .. } = *self.g;
        let first = left.saturating_sub(ox * stride);
        let end = (input.width + left).saturating_sub(ox * stride).min(kernel);
        first..end.max(first)
    }
}

/// Calls a method for all channels with a vector type and the first channel: whole vectors of `V`,
/// then of four, then single channels.
macro_rules! for_channels {
    ($V:ident, $self:ident . $call:ident < $K:tt, $S:tt >) => {{
        let (mut first, channels) = (0, $self.band.g.input.channels);
        while first + $V::LANES <= channels {
            $self.$call::<$V, $K, $S>(first);
            first += $V::LANES;
        }
        while first + Four::LANES <= channels {
            $self.$call::<Four, $K, $S>(first);
            first += Four::LANES;
        }
        while first < channels {
            $self.$call::<f32, $K, $S>(first);
            first += 1;
        }
    }};
}

/// Calls a method for all channels with the kernel size and the stride as constants.
macro_rules! for_sizes {
    ($V:ident, $self:ident . $call:ident) => {
        match ($self.band.g.kernel, $self.band.g.stride) {
            (3, 1) => for_channels!($V, $self.$call<3, 1>),
            (3, 2) => for_channels!($V, $self.$call<3, 2>),
            (3, _) => for_channels!($V, $self.$call<3, ANY>),
            (5, 1) => for_channels!($V, $self.$call<5, 1>),
            (5, 2) => for_channels!($V, $self.$call<5, 2>),
            (5, _) => for_channels!($V, $self.$call<5, ANY>),
            (_, 1) => for_channels!($V, $self.$call<7, 1>),
            (_, _) => for_channels!($V, $self.$call<7, ANY>),
        }
    };
}

struct Correlate<'a> {
    band: Band<'a>,
    w: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Correlate<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(mut self) {
        // SAFETY: promised by the caller.
        unsafe { for_sizes!(V, self.channels) }
    }
}

impl Correlate<'_> {
    #[inline(always)]
    unsafe fn channels<V: Vector, const K: usize, const S: usize>(&mut self, first: usize) {
        let Geometry { output, padding: [_, left], .. } = *self.band.g;
        let (stride, channels) = (if S == ANY { self.band.g.stride } else { S }, output.channels);
        let inner = self.band.inner_columns();
        // SAFETY: taps, rows and columns as checked; `inner` and `kernel_columns` are over the
        // photo.
        unsafe {
            let taps: [[V; K]; K] = array::from_fn(|ky| {
                array::from_fn(|kx| V::load(self.w.as_ptr().add((ky * K + kx) * channels + first)))
            });
            let mut y = self.y.as_mut_ptr().add(first);
            for oy in self.band.rows.clone() {
                let rows = self.band.rows_under::<K>(oy, first);
                for ox in (0..inner.start).chain(inner.end..output.width) {
                    let columns = self.band.kernel_columns(ox);
                    let mut sum = V::splat(0.0);
                    for (row, taps) in rows.iter().zip(&taps) {
                        for (kx, &tap) in taps.iter().enumerate() {
                            if columns.contains(&kx) {
                                let x = V::load(row.add((ox * stride + kx - left) * channels));
                                sum = x.multiply_add(tap, sum);
                            }
                        }
                    }
                    sum.store(y.add(ox * channels));
                }
                let mut ox = inner.start;
                if S != ANY && K == 7 {
                    while ox + MANY <= inner.end {
                        let rows = rows.map(|row| row.add((ox * S - left) * channels));
                        outputs::<V, K, S, MANY>(rows, &taps, y.add(ox * channels), channels);
                        ox += MANY;
                    }
                }
                if S != ANY {
                    while ox + TOGETHER <= inner.end {
                        let rows = rows.map(|row| row.add((ox * S - left) * channels));
                        outputs::<V, K, S, TOGETHER>(rows, &taps, y.add(ox * channels), channels);
                        ox += TOGETHER;
                    }
                }
                while ox < inner.end {
                    let rows = rows.map(|row| row.add((ox * stride - left) * channels));
                    outputs::<V, K, 1, 1>(rows, &taps, y.add(ox * channels), channels);
                    ox += 1;
                }
                y = y.add(output.width * channels);
            }
        }
    }
}

/// Computes `T` neighbouring outputs, whose inputs are `S` columns apart. `rows` start under the
/// first output.
#[inline(always)]
unsafe fn outputs<V: Vector, const K: usize, const S: usize, const T: usize>(
    rows: [*const f32; K],
    taps: &[[V; K]; K],
    y: *mut f32,
    channels: usize,
) {
    // SAFETY: promised by the caller.
    unsafe {
        let mut sums = [V::splat(0.0); T];
        for (row, taps) in rows.iter().zip(taps) {
            for column in 0..(T - 1) * S + K {
                let x = V::load(row.add(column * channels));
                for (t, sum) in sums.iter_mut().enumerate() {
                    if column >= t * S && column < t * S + K {
                        *sum = x.multiply_add(taps[column - t * S], *sum);
                    }
                }
            }
        }
        for (t, sum) in sums.iter().enumerate() {
            sum.store(y.add(t * channels));
        }
    }
}

struct WeightGradient<'a> {
    band: Band<'a>,
    gy: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(mut self) {
        // SAFETY: promised by the caller.
        unsafe { for_sizes!(V, self.channels) }
    }
}

impl WeightGradient<'_> {
    #[inline(always)]
    unsafe fn channels<V: Vector, const K: usize, const S: usize>(&mut self, first: usize) {
        // SAFETY: promised by the caller.
        unsafe {
            // Sum all kernel rows at once if the sums and the vectors that they need fit into the
            // registers.
            if K * K + TOGETHER + 1 < V::REGISTERS {
                self.kernel_rows::<V, K, S, K>(0, first);
            } else {
                (0..K).for_each(|ky| self.kernel_rows::<V, K, S, 1>(ky, first));
            }
        }
    }

    /// Sums `R` kernel rows, starting at `from`.
    #[inline(always)]
    unsafe fn kernel_rows<V: Vector, const K: usize, const S: usize, const R: usize>(
        &mut self,
        from: usize,
        first: usize,
    ) {
        let Geometry { output, padding: [_, left], .. } = *self.band.g;
        let (stride, channels) = (if S == ANY { self.band.g.stride } else { S }, output.channels);
        let inner = self.band.inner_columns();
        // SAFETY: taps, rows and columns as checked; `inner` and `kernel_columns` are over the
        // photo.
        unsafe {
            let stored = self.sums.as_mut_ptr().add(from * K * channels + first);
            let mut sums: [[V; K]; R] = array::from_fn(|ky| {
                array::from_fn(|kx| V::load(stored.add((ky * K + kx) * channels)))
            });
            let mut gy = self.gy.as_ptr().add(first);
            for oy in self.band.rows.clone() {
                let rows = self.band.rows_under::<K>(oy, first);
                for ox in (0..inner.start).chain(inner.end..output.width) {
                    let columns = self.band.kernel_columns(ox);
                    let g = V::load(gy.add(ox * channels));
                    for (ky, sums) in sums.iter_mut().enumerate() {
                        for (kx, sum) in sums.iter_mut().enumerate() {
                            if columns.contains(&kx) {
                                let at = (ox * stride + kx - left) * channels;
                                *sum = V::load(rows[from + ky].add(at)).multiply_add(g, *sum);
                            }
                        }
                    }
                }
                let mut ox = inner.start;
                if S != ANY {
                    while ox + TOGETHER <= inner.end {
                        let rows: [*const f32; R] =
                            array::from_fn(|ky| rows[from + ky].add((ox * S - left) * channels));
                        add_taps::<V, K, S, TOGETHER, R>(
                            rows,
                            gy.add(ox * channels),
                            &mut sums,
                            channels,
                        );
                        ox += TOGETHER;
                    }
                }
                while ox < inner.end {
                    let rows: [*const f32; R] =
                        array::from_fn(|ky| rows[from + ky].add((ox * stride - left) * channels));
                    add_taps::<V, K, 1, 1, R>(rows, gy.add(ox * channels), &mut sums, channels);
                    ox += 1;
                }
                gy = gy.add(output.width * channels);
            }
            for (ky, sums) in sums.iter().enumerate() {
                for (kx, sum) in sums.iter().enumerate() {
                    sum.store(stored.add((ky * K + kx) * channels));
                }
            }
        }
    }
}

/// Adds the contribution of `T` neighbouring outputs to the gradients of the taps. `rows` and `gy`
/// start at the first output.
#[inline(always)]
unsafe fn add_taps<V: Vector, const K: usize, const S: usize, const T: usize, const R: usize>(
    rows: [*const f32; R],
    gy: *const f32,
    sums: &mut [[V; K]; R],
    channels: usize,
) {
    // SAFETY: promised by the caller.
    unsafe {
        let seen: [V; T] = array::from_fn(|t| V::load(gy.add(t * channels)));
        for (row, sums) in rows.iter().zip(sums) {
            for column in 0..(T - 1) * S + K {
                let x = V::load(row.add(column * channels));
                for (t, &seen) in seen.iter().enumerate() {
                    if column >= t * S && column < t * S + K {
                        let kx = column - t * S;
                        sums[kx] = x.multiply_add(seen, sums[kx]);
                    }
                }
            }
        }
    }
}
