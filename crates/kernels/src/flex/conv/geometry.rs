//! Shapes of a convolution, and the algorithm that computes it.

use std::iter;
use std::ops::Range;

use burn_flex::FlexTensor;

use crate::flex::nhwc::Dims;
use crate::types::ConvSpec;

/// Algorithm of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Pointwise,
    Depthwise,
    Grouped,
    Windows,
}

impl Algorithm {
    /// `None` if no algorithm supports the convolution.
    fn of(channels: usize, weight: [usize; 4], spec: ConvSpec) -> Option<Self> {
        let [outputs, per_group, kernel, other] = weight;
        let ConvSpec { padding, dilation, groups, .. } = spec;
        if kernel != other || dilation != 1 {
            None
        } else if groups == 1 && per_group == channels {
            Some(if kernel == 1 && padding.around(1, 1, 1) == [0; 2] {
                Algorithm::Pointwise
            } else {
                Algorithm::Windows
            })
        } else if groups == channels && outputs == channels && matches!(kernel, 3 | 5 | 7) {
            Some(Algorithm::Depthwise)
        } else if per_group > 1 && per_group * groups == channels && outputs.is_multiple_of(groups)
        {
            Some(Algorithm::Grouped)
        } else {
            None
        }
    }
}

/// Whether this module supports the convolution. Burn's own operations compute the others: dilated,
/// rectangular, and depthwise ones with other kernels or several outputs per channel.
pub fn is_supported(channels: usize, weight: [usize; 4], spec: ConvSpec) -> bool {
    Algorithm::of(channels, weight, spec).is_some()
}

/// Shapes and parameters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub(super) input: Dims,
    pub(super) output: Dims,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) groups: usize,
    /// Zeros above and to the left. Windows that extend over the other edges read zeros, too.
    pub(super) padding: [usize; 2],
    pub(super) algorithm: Algorithm,
}

impl Geometry {
    pub fn new(input: Dims, weight: &FlexTensor, spec: ConvSpec) -> Self {
        let weight = Dims::of(weight);
        let kernel = weight.height;
        let zeros = |side: usize| spec.padding.around(side, kernel, spec.stride);
        let side = |side: usize| {
            let padded = side + zeros(side).iter().sum::<usize>();
            assert!(padded >= kernel, "a kernel of {kernel} over {side} pixels");
            (padded - kernel) / spec.stride + 1
        };
        let output = Dims {
            batch: input.batch,
            channels: weight.batch,
            height: side(input.height),
            width: side(input.width),
        };
        let algorithm = Algorithm::of(
            input.channels,
            [weight.batch, weight.channels, kernel, weight.width],
            spec,
        );
        Self {
            input,
            output,
            kernel,
            stride: spec.stride,
            groups: spec.groups,
            padding: [zeros(input.height)[0], zeros(input.width)[0]],
            algorithm: algorithm.expect("asked `is_supported` first"),
        }
    }

    pub fn output(&self) -> Dims {
        self.output
    }

    /// Multiply-adds of the forward pass, and of each of the two gradients.
    pub fn multiply_adds(&self) -> usize {
        self.output.len() * self.channels_per_group() * self.taps()
    }

    pub fn channels_per_group(&self) -> usize {
        self.input.channels / self.groups
    }

    /// Output rows per band: as many as fit into the L2 cache together with their inputs, because a
    /// band is computed one group of channels after the other.
    pub fn rows_per_band(&self) -> usize {
        const CACHED: usize = 96 * 1024;
        let (input, output) = (self.input, self.output);
        let per_row = output.width * output.channels + self.stride * input.width * input.channels;
        let bands = output.height.div_ceil((CACHED / per_row).max(1));
        output.height.div_ceil(bands)
    }

    /// Splits output rows, counted through the whole batch, into bands of one photo each. Returns
    /// each band's photo and its rows in that photo.
    pub fn bands(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let (height, rows_per_band) = (self.output.height, self.rows_per_band());
        let mut from = rows.start;
        iter::from_fn(move || {
            if from >= rows.end {
                return None;
            }
            let (photo, first) = (from / height, from % height);
            let count = rows_per_band.min(rows.end - from).min(height - first);
            from += count;
            Some((photo, first..first + count))
        })
    }

    /// Input rows that a range of output rows of a photo uses.
    pub fn input_rows(&self, outputs: Range<usize>) -> Range<usize> {
        let [above, _] = self.padding;
        let from = (outputs.start * self.stride).saturating_sub(above);
        let to = ((outputs.end - 1) * self.stride + self.kernel).saturating_sub(above);
        let to = to.min(self.input.height);
        from.min(to)..to
    }

    /// Returns the convolution of output gradients with the turned kernel that gives the input's
    /// gradients. None if the stride is not 1.
    pub fn turned(&self) -> Option<Self> {
        let last = self.kernel - 1;
        let [above, left] = self.padding;
        (self.stride == 1 && above.max(left) <= last).then(|| Self {
            input: self.output,
            output: self.input,
            padding: [last - above, last - left],
            ..*self
        })
    }

    pub fn taps(&self) -> usize {
        self.kernel * self.kernel
    }
}
