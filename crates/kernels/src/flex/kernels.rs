//! The functions of this crate on the tensors of a backend. Shapes as in the public functions.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};
use burn_flex::FlexTensor;

use super::batch_norm::{NormConstants, Normalisation};
use super::fold::{self, FoldCache, Shortcut};
use super::nhwc::ChannelsLast;
use super::pooling::{self, Window};
use super::{adam, conv, elementwise, lerp};
use crate::types::{Activation, AdamStep, ConvSpec};

/// Functions with a backward pass.
#[backend_extension(Flex, Autodiff)]
pub trait Kernels: Backend {
    fn kernel_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self>;

    /// With a bias, `[outputs]`.
    fn kernel_conv2d_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: ConvSpec,
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
        #[extension_type] norm: NormConstants<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn kernel_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Only for activations with [`has_slope_from_value`](super::has_slope_from_value).
    fn kernel_residual_add(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn kernel_scale_channels(x: FloatTensor<Self>, factors: FloatTensor<Self>)
    -> FloatTensor<Self>;

    fn kernel_global_avg_pool(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn kernel_avg_pool2d(x: FloatTensor<Self>, side: usize) -> FloatTensor<Self>;

    fn kernel_max_pool2d(
        x: FloatTensor<Self>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;
}

/// Functions without a backward pass. They panic on tensors that autodiff tracks.
#[backend_extension(Flex)]
pub trait PlainKernels: Backend {
    /// Convolution, normalisation with given statistics, sum with the shortcut, activation. A
    /// backward pass would need the values in between.
    fn kernel_conv2d_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
        #[extension_type] norm: NormConstants<Self>,
        #[extension_type] shortcut: Shortcut<Self>,
        activation: Activation,
        cache: FoldCache,
    ) -> FloatTensor<Self>;

    /// Returns weight, first and second moment after the step.
    fn kernel_adam_step(
        weight: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn kernel_lerp(
        start: FloatTensor<Self>,
        end: FloatTensor<Self>,
        weight: f64,
    ) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn kernel_conv2d(x: FlexTensor, weight: FlexTensor, spec: ConvSpec) -> FlexTensor {
        conv::forward(&ChannelsLast::new(x), &weight, spec)
    }

    fn kernel_conv2d_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        spec: ConvSpec,
    ) -> FlexTensor {
        conv::with_bias(&ChannelsLast::new(x), &weight, &bias, spec)
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
        norm: NormConstants<Flex>,
        activation: Activation,
    ) -> FlexTensor {
        Normalisation::given(&norm).apply(ChannelsLast::new(x), activation)
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

    fn kernel_max_pool2d(
        x: FlexTensor,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        pooling::max_pool(&ChannelsLast::new(x), Window { kernel, stride, padding })
    }
}

impl PlainKernels for Flex {
    fn kernel_conv2d_batch_norm(
        x: FlexTensor,
        weight: FlexTensor,
        spec: ConvSpec,
        norm: NormConstants<Flex>,
        shortcut: Shortcut<Flex>,
        activation: Activation,
        cache: FoldCache,
    ) -> FlexTensor {
        fold::forward(&ChannelsLast::new(x), weight, spec, norm, shortcut, activation, &cache)
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

    fn kernel_lerp(start: FlexTensor, end: FlexTensor, weight: f64) -> FlexTensor {
        lerp::lerp(start, end, weight)
    }
}
