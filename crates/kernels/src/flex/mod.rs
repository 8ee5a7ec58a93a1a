//! The fast path: a backend extension for Flex, Burn's CPU backend, with its own backward passes.
//!
//! All tensors are channels last in memory ([`nhwc`]) and stay so from one function to the next.
//! Memory is reused ([`buffer`]). No result depends on the number of threads: work is divided by
//! shape alone, and partial sums are added in a fixed order.

mod adam;
mod autodiff;
mod batch_norm;
mod buffer;
mod channels;
mod conv;
mod elementwise;
mod fold;
mod gemm;
mod meeting;
mod micro;
mod nhwc;
mod normalised;
mod pointwise;
mod pooling;
mod simd;
mod vector;

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, DispatchDevice, Flex, backend_extension};
use burn::tensor::{Device, Tensor};
use burn_flex::FlexTensor;

use self::batch_norm::Normalisation;
use self::nhwc::ChannelsLast;
use self::pooling::Window;
use crate::{Activation, AdamStep, ConvSpec};

pub use self::conv::is_supported as conv_is_supported;
pub use self::fold::FoldCache;
pub use self::pointwise::has_slope_from_value;

/// Name of the instruction set in use.
pub fn instruction_set() -> &'static str {
    vector::Instructions::detect().name()
}

/// `c = a a` for a square matrix, on the calling thread. Measures the machine's peak speed.
pub fn square_product(c: &mut [f32], a: &[f32], side: usize) {
    let a = gemm::Matrix::new(a, side, side);
    gemm::product(c, a, gemm::Panels::on_this_thread(a).packed(), false);
}

/// Whether the tensor is not tracked by autodiff.
pub fn is_plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    !matches!(tensor.device().as_dispatch(), DispatchDevice::Autodiff(_))
}

/// Whether the fast path supports this tensor: f32 on Flex, with or without autodiff. Check first:
/// a backend extension panics on any other device.
pub fn takes<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_flex(&tensor.device())
}

fn is_flex(device: &Device) -> bool {
    let is_flex = |device: &DispatchDevice| matches!(device, DispatchDevice::Flex(_));
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => is_flex(device),
        device => is_flex(device),
    }
}

/// The functions of this crate on the tensors of a backend. Shapes as in the public functions.
#[backend_extension(Flex, Autodiff)]
pub trait Kernels: burn::backend::Backend {
    fn kernel_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>, spec: ConvSpec) -> FloatTensor<Self>;

    /// Convolution, normalisation with given statistics, activation. Not differentiable.
    #[allow(clippy::too_many_arguments)]
    fn kernel_conv2d_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
        norm_weight: FloatTensor<Self>,
        norm_bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        eps: f64,
        activation: Activation,
        cache: FoldCache,
    ) -> FloatTensor<Self>;

    /// As `kernel_conv2d_batch_norm`, with a shortcut that is added before the activation.
    #[allow(clippy::too_many_arguments)]
    fn kernel_conv2d_batch_norm_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
        norm_weight: FloatTensor<Self>,
        norm_bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        eps: f64,
        shortcut: FloatTensor<Self>,
        activation: Activation,
        cache: FoldCache,
    ) -> FloatTensor<Self>;

    /// Returns output, mean and biased variance.
    fn kernel_batch_norm_train(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn kernel_batch_norm_inference(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        eps: f64,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn kernel_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Only for activations with [`has_slope_from_value`].
    fn kernel_residual_add(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn kernel_scale_channels(x: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self>;

    fn kernel_global_avg_pool(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn kernel_avg_pool2d(x: FloatTensor<Self>, side: usize) -> FloatTensor<Self>;

    fn kernel_max_pool2d(
        x: FloatTensor<Self>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// Returns weight, first and second moment after the step. Not differentiable.
    fn kernel_adam_step(
        weight: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Kernels for Flex {
    fn kernel_conv2d(x: FlexTensor, weight: FlexTensor, spec: ConvSpec) -> FlexTensor {
        conv::forward(&ChannelsLast::new(x), &weight, spec)
    }

    fn kernel_conv2d_batch_norm(
        x: FlexTensor,
        weight: FlexTensor,
        spec: ConvSpec,
        norm_weight: FlexTensor,
        norm_bias: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        eps: f64,
        activation: Activation,
        cache: FoldCache,
    ) -> FlexTensor {
        let constants = fold::Constants { weight: norm_weight, bias: norm_bias, mean, variance, eps };
        fold::forward(&ChannelsLast::new(x), weight, constants, spec, None, activation, &cache)
    }

    fn kernel_conv2d_batch_norm_add(
        x: FlexTensor,
        weight: FlexTensor,
        spec: ConvSpec,
        norm_weight: FlexTensor,
        norm_bias: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        eps: f64,
        shortcut: FlexTensor,
        activation: Activation,
        cache: FoldCache,
    ) -> FlexTensor {
        let constants = fold::Constants { weight: norm_weight, bias: norm_bias, mean, variance, eps };
        let shortcut = Some(ChannelsLast::new(shortcut));
        fold::forward(&ChannelsLast::new(x), weight, constants, spec, shortcut, activation, &cache)
    }

    fn kernel_batch_norm_train(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        eps: f64,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let x = ChannelsLast::new(x);
        let (normalisation, mean, variance) = Normalisation::of_batch(&x, &weight, &bias, eps);
        (normalisation.apply(x, activation), mean, variance)
    }

    fn kernel_batch_norm_inference(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        eps: f64,
        activation: Activation,
    ) -> FlexTensor {
        Normalisation::given(&mean, &variance, &weight, &bias, eps).apply(ChannelsLast::new(x), activation)
    }

    fn kernel_activate(x: FlexTensor, activation: Activation) -> FlexTensor {
        elementwise::activate(ChannelsLast::new(x), activation)
    }

    fn kernel_residual_add(a: FlexTensor, b: FlexTensor, activation: Activation) -> FlexTensor {
        elementwise::residual_add(ChannelsLast::new(a), ChannelsLast::new(b), activation)
    }

    fn kernel_scale_channels(x: FlexTensor, factors: FlexTensor) -> FlexTensor {
        elementwise::scale_channels(ChannelsLast::new(x), &ChannelsLast::new(factors))
    }

    fn kernel_global_avg_pool(x: FlexTensor) -> FlexTensor {
        pooling::global_avg_pool(&ChannelsLast::new(x))
    }

    fn kernel_avg_pool2d(x: FlexTensor, side: usize) -> FlexTensor {
        pooling::avg_pool(&ChannelsLast::new(x), side)
    }

    fn kernel_max_pool2d(x: FlexTensor, kernel: usize, stride: usize, padding: usize) -> FlexTensor {
        pooling::max_pool(&ChannelsLast::new(x), Window { kernel, stride, padding })
    }

    fn kernel_adam_step(
        weight: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        gradient: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        adam::step(weight, first, second, gradient, step)
    }
}
