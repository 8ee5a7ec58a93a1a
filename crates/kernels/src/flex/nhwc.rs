//! Channels last: tensors of shape `[batch, channels, height, width]` in the memory order batch,
//! height, width, channels.
//!
//! The channels of a pixel are contiguous: a pointwise convolution is one matrix product, and all
//! other loops run over contiguous channels. Burn's own operations respect the strides and stay
//! correct.

use std::borrow::Cow;

use burn::backend::DType;
use burn_flex::{FlexTensor, Layout};
use burn_std::Shape;
use rayon::prelude::*;

use super::buffer::Buffer;

/// A four-dimensional shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    pub batch: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Dims {
    pub fn of(tensor: &FlexTensor) -> Self {
        let shape = tensor.layout().shape();
        Self { batch: shape[0], channels: shape[1], height: shape[2], width: shape[3] }
    }

    /// Pixels of all photos.
    pub fn pixels(&self) -> usize {
        self.batch * self.height * self.width
    }

    pub fn len(&self) -> usize {
        self.pixels() * self.channels
    }

    fn strides(&self) -> [usize; 4] {
        let Self { channels, height, width, .. } = *self;
        if height * width == 1 {
            // Both orders are the same memory; use the strides that Burn calls contiguous.
            return [channels, 1, 1, 1];
        }
        [height * width * channels, 1, width * channels, channels]
    }

    fn layout(&self) -> Layout {
        let shape = Shape::from(vec![self.batch, self.channels, self.height, self.width]);
        Layout::new(shape, self.strides().iter().map(|&stride| stride as isize).collect(), 0)
    }
}

/// Makes a tensor from values in channels-last order.
pub fn tensor(values: Buffer, dims: Dims) -> FlexTensor {
    assert_eq!(values.len(), dims.len());
    FlexTensor::new(values.into_bytes(), dims.layout(), DType::F32)
}

/// Makes a contiguous tensor.
pub fn contiguous(values: Buffer, shape: &[usize]) -> FlexTensor {
    assert_eq!(values.len(), shape.iter().product::<usize>());
    FlexTensor::new(
        values.into_bytes(),
        Layout::contiguous(Shape::from(shape.to_vec())),
        DType::F32,
    )
}

/// Makes a vector.
pub fn vector(values: &[f32]) -> FlexTensor {
    let mut buffer = Buffer::new(values.len());
    buffer.copy_from_slice(values);
    contiguous(buffer, &[values.len()])
}

/// Values of a tensor in the order of its dimensions.
pub fn values(tensor: &FlexTensor) -> Cow<'_, [f32]> {
    match tensor.layout().contiguous_offsets() {
        Some((start, end)) => Cow::Borrowed(&tensor.storage::<f32>()[start..end]),
        None => {
            let copy = tensor.to_contiguous();
            let (start, end) = copy.layout().contiguous_offsets().expect("just made contiguous");
            Cow::Owned(copy.storage::<f32>()[start..end].to_vec())
        }
    }
}

/// A tensor that is channels last and covers all of its storage.
#[derive(Clone, Debug)]
pub struct ChannelsLast(FlexTensor);

impl ChannelsLast {
    /// Copies the tensor into channels-last order unless it has it already. The input of the
    /// network and gradients from Burn's own operations need the copy.
    pub fn new(tensor: FlexTensor) -> Self {
        let dims = Dims::of(&tensor);
        let extent = [dims.batch, dims.channels, dims.height, dims.width];
        let layout = tensor.layout();
        let lies = layout.strides().iter().zip(dims.strides()).zip(extent);
        let is_channels_last = layout.start_offset() == 0
            && tensor.bytes().len() == dims.len() * size_of::<f32>()
            && lies
                .into_iter()
                .all(|((&found, wanted), extent)| extent == 1 || found == wanted as isize);
        if is_channels_last { Self(tensor) } else { Self(re_lay(&tensor, dims)) }
    }

    /// Makes a tensor from values in channels-last order.
    pub fn of_values(values: Buffer, dims: Dims) -> Self {
        Self(tensor(values, dims))
    }

    /// Sees tokens, `[batch, tokens, channels]`, as a feature map one pixel wide: the same memory,
    /// unless the tokens have gaps.
    pub fn of_tokens(tokens: FlexTensor) -> Self {
        let shape = tokens.layout().shape();
        let dims = Dims { batch: shape[0], channels: shape[2], height: shape[1], width: 1 };
        let is_dense = tokens.layout().contiguous_offsets() == Some((0, dims.len()))
            && tokens.bytes().len() == dims.len() * size_of::<f32>();
        let tokens = if is_dense { tokens } else { tokens.to_contiguous() };
        Self(tokens.with_layout(dims.layout()))
    }

    /// The pixels as tokens, row by row, in the same memory.
    pub fn into_tokens(self) -> FlexTensor {
        let Dims { batch, channels, height, width } = self.dims();
        let shape = Shape::from(vec![batch, height * width, channels]);
        self.0.with_layout(Layout::contiguous(shape))
    }

    /// The same pixels in rows of another length.
    pub fn with_sides(self, height: usize, width: usize) -> Self {
        let dims = self.dims();
        assert_eq!(height * width, dims.height * dims.width, "as many pixels");
        Self(self.0.with_layout(Dims { height, width, ..dims }.layout()))
    }

    pub fn dims(&self) -> Dims {
        Dims::of(&self.0)
    }

    pub fn values(&self) -> &[f32] {
        self.0.storage()
    }

    pub fn into_tensor(self) -> FlexTensor {
        self.0
    }

    /// Whether no other tensor shares the memory, so that it may be overwritten.
    pub fn is_unique(&self) -> bool {
        self.0.is_unique()
    }

    /// Values to write in place. Copies them first if another tensor shares the memory.
    pub fn values_mut(&mut self) -> &mut [f32] {
        if !self.0.is_unique() {
            let mut copy = Buffer::new(self.dims().len());
            const CHUNK: usize = 1 << 15;
            copy.par_chunks_mut(CHUNK)
                .zip(self.values().par_chunks(CHUNK))
                .for_each(|(to, from)| to.copy_from_slice(from));
            self.0 = tensor(copy, self.dims());
        }
        self.0.storage_mut()
    }
}

fn re_lay(source: &FlexTensor, dims: Dims) -> FlexTensor {
    let Dims { channels, height, width, .. } = dims;
    let strides = source.layout().strides();
    let (start, storage) = (source.layout().start_offset() as isize, source.storage::<f32>());
    let mut target = Buffer::new(dims.len());
    target.par_chunks_mut((width * channels).max(1)).enumerate().for_each(|(row, target)| {
        let (n, y) = ((row / height) as isize, (row % height) as isize);
        let row = start + n * strides[0] + y * strides[2];
        for (x, pixel) in target.chunks_exact_mut(channels).enumerate() {
            let first = row + x as isize * strides[3];
            for (c, value) in pixel.iter_mut().enumerate() {
                *value = storage[(first + c as isize * strides[1]) as usize];
            }
        }
    });
    tensor(target, dims)
}
