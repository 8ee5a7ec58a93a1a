//! The convolution layer.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use kennel_kernels::{ConvSpec, FoldCache, Padding, conv2d};

/// `torch.nn.Conv2d` with a square kernel.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[outputs, channels / groups, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[outputs]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    pub(crate) spec: ConvSpec,
    #[module(skip)]
    pub(crate) kept_in_float: bool,
    /// Cache of the weights with the following normalisation folded in.
    #[module(skip)]
    pub(super) folded: FoldCache,
}

impl Conv2d {
    /// Makes a convolution with "same" padding for odd kernels (`kernel / 2`), no bias and zero
    /// weights.
    pub fn new(
        channels: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        device: &Device,
    ) -> Self {
        Self::grouped(channels, outputs, kernel, stride, 1, device)
    }

    /// As [`Conv2d::new`], with one group per channel.
    pub fn depthwise(channels: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        Self::grouped(channels, channels, kernel, stride, channels, device)
    }

    /// Adds a bias of zeros.
    pub fn with_bias(mut self) -> Self {
        let outputs = self.weight.dims()[0];
        self.bias = Some(Param::from_tensor(Tensor::zeros([outputs], &self.weight.device())));
        self
    }

    /// Pads as TensorFlow's `SAME` does.
    pub fn padded_same(mut self) -> Self {
        self.spec.padding = Padding::Same;
        self
    }

    /// Marks it to stay in floats where other layers become 8-bit integers.
    pub fn kept_in_float(mut self) -> Self {
        self.kept_in_float = true;
        self
    }

    /// As [`Conv2d::new`] with stride `kernel` and without padding: adjacent patches, for a network
    /// of tokens.
    pub fn patches(channels: usize, outputs: usize, kernel: usize, device: &Device) -> Self {
        let mut conv = Self::new(channels, outputs, kernel, kernel, device);
        conv.spec.padding = Padding::Sides(0);
        conv
    }

    /// As [`Conv2d::new`], with `groups` groups of channels.
    pub fn grouped(
        channels: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        groups: usize,
        device: &Device,
    ) -> Self {
        let weight = Tensor::zeros([outputs, channels / groups, kernel, kernel], device);
        let padding = Padding::Sides(kernel / 2);
        let spec = ConvSpec { stride, padding, dilation: 1, groups };
        Self {
            weight: Param::from_tensor(weight),
            bias: None,
            spec,
            kept_in_float: false,
            folded: FoldCache::default(),
        }
    }

    /// # Shapes
    ///
    /// `[batch, channels, height, width]` to `[batch, outputs, height / stride, width / stride]`,
    /// rounded up.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), self.spec)
    }
}
