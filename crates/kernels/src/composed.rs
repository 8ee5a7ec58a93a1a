//! The same functions, composed of Burn's own operations: for GPUs, and as the reference for tests
//! of the fast path.

use burn::tensor::{
    Tensor, activation, module,
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};

use crate::types::{
    Activation, AdamState, AdamStep, BatchNormConstants, BatchNormOutput, ConvSpec,
};

pub fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => activation::silu(x),
        Activation::HardSwish => x.clone() * hard_sigmoid(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::Gelu => activation::gelu(x),
        Activation::GeluTanh => activation::gelu_approximate(x),
    }
}

fn hard_sigmoid(x: Tensor<4>) -> Tensor<4> {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    spec: ConvSpec,
) -> Tensor<4> {
    let ConvSpec { stride, padding, dilation, groups } = spec;
    let ([_, _, height, width], [_, _, kernel, _]) = (x.dims(), weight.dims());
    let reach = dilation * (kernel - 1) + 1;
    let [above, below] = padding.around(height, reach, stride);
    let [left, right] = padding.around(width, reach, stride);
    let (x, sides) = if above == below && left == right {
        (x, [above, left])
    } else {
        (x.pad((left, right, above, below), 0.0), [0; 2])
    };
    module::conv2d(x, weight, bias, ConvOptions::new([stride; 2], sides, [dilation; 2], groups))
}

pub fn batch_norm_inference(
    x: Tensor<4>,
    norm: BatchNormConstants,
    activation: Activation,
) -> Tensor<4> {
    let BatchNormConstants { weight, bias, mean, variance, eps } = norm;
    // Combine the channel vectors first: one multiplication and one addition per value instead of
    // four operations.
    let scale = weight / (variance + eps).sqrt();
    let shift = bias - mean * scale.clone();
    let channels = scale.dims()[0];
    let y = x * scale.reshape([1, channels, 1, 1]) + shift.reshape([1, channels, 1, 1]);
    activate(y, activation)
}

pub fn batch_norm_train(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> BatchNormOutput {
    let result = module::batch_norm_train(x, weight, bias, eps);
    BatchNormOutput {
        output: activate(result.output, activation),
        mean: result.mean.without_autodiff(),
        variance: result.variance.without_autodiff(),
    }
}

pub fn residual_add(branch: Tensor<4>, shortcut: Tensor<4>, activation: Activation) -> Tensor<4> {
    activate(branch + shortcut, activation)
}

pub fn scale_channels(x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
    x * factors
}

pub fn global_avg_pool(x: Tensor<4>) -> Tensor<4> {
    module::adaptive_avg_pool2d(x, [1, 1])
}

pub fn avg_pool2d(x: Tensor<4>, side: usize) -> Tensor<4> {
    let options = AvgPoolOptions::new([side; 2])
        .with_stride([side; 2])
        .with_count_include_pad(false)
        .with_ceil_mode(true);
    module::avg_pool2d(x, options)
}

pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    let options =
        MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
    module::max_pool2d(x, options)
}

pub fn lerp(start: Tensor<1>, end: Tensor<1>, weight: f64) -> Tensor<1> {
    let way = end.clone() - start.clone();
    if weight < 0.5 { start + way * weight } else { end - way * (1.0 - weight) }
}

pub fn adam_step(state: AdamState, gradient: Tensor<1>, step: &AdamStep) -> AdamState {
    let AdamStep { beta1, beta2, eps, step, learning_rate, l2, shrink } = *step;
    let AdamState { weight, first, second } = state;
    let gradient = if l2 == 0.0 { gradient } else { gradient + weight.clone() * l2 };
    let first = first * beta1 + gradient.clone() * (1.0 - beta1);
    let second = second * beta2 + gradient.square() * (1.0 - beta2);
    let t = step as i32;
    let denominator = second.clone().sqrt() / (1.0 - beta2.powi(t)).sqrt() + eps;
    let direction = first.clone() / denominator * (learning_rate / (1.0 - beta1.powi(t)));
    AdamState { weight: weight * shrink - direction, first, second }
}
