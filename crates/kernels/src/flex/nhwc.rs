//! Channels last: a tensor of shape `[batch, channels, height, width]` whose memory runs batch, height, width, channels.
//!
//! So a pixel's channels are neighbours: a pointwise convolution is one matrix product, and everything else runs over
//! contiguous channels. Burn's own operations see the strides and stay right.

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
            // Both orders are the same memory; these are the strides that Burn calls contiguous.
            return [channels, 1, 1, 1];
        }
        [height * width * channels, 1, width * channels, channels]
    }

    fn layout(&self) -> Layout {
        let shape = Shape::from(vec![self.batch, self.channels, self.height, self.width]);
        Layout::new(shape, self.strides().iter().map(|&stride| stride as isize).collect(), 0)
    }
}

/// A new tensor from values in channels-last order.
pub fn tensor(values: Buffer, dims: Dims) -> FlexTensor {
    assert_eq!(values.len(), dims.len());
    FlexTensor::new(values.into_bytes(), dims.layout(), DType::F32)
}

/// A new contiguous tensor.
pub fn contiguous(values: Buffer, shape: &[usize]) -> FlexTensor {
    assert_eq!(values.len(), shape.iter().product::<usize>());
    FlexTensor::new(values.into_bytes(), Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
}

/// A new vector.
pub fn vector(values: &[f32]) -> FlexTensor {
    let mut buffer = Buffer::new(values.len());
    buffer.copy_from_slice(values);
    contiguous(buffer, &[values.len()])
}

/// The values of a tensor in the order of its dimensions.
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

/// A tensor known to lie channels last, all of its storage and nothing else.
#[derive(Clone, Debug)]
pub struct ChannelsLast(FlexTensor);

impl ChannelsLast {
    /// Re-lays the tensor if it lies otherwise: the network's input, or a gradient that Burn's own operations made.
    pub fn new(tensor: FlexTensor) -> Self {
        let dims = Dims::of(&tensor);
        let extent = [dims.batch, dims.channels, dims.height, dims.width];
        let layout = tensor.layout();
        let lies = layout.strides().iter().zip(dims.strides()).zip(extent);
        let is_channels_last = layout.start_offset() == 0
            && tensor.bytes().len() == dims.len() * size_of::<f32>()
            && lies.into_iter().all(|((&found, wanted), extent)| extent == 1 || found == wanted as isize);
        if is_channels_last { Self(tensor) } else { Self(re_lay(&tensor, dims)) }
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

    /// Whether nothing else sees this memory, so that it may be written.
    pub fn is_unique(&self) -> bool {
        self.0.is_unique()
    }

    /// To be written in place; copied first where something else sees the memory.
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
