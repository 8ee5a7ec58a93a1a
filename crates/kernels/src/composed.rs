//! The same functions, composed of Burn's own operations: for GPUs, and as the reference for tests
//! of the fast path.

use std::f64::consts::PI;

use burn::tensor::{
    Tensor, activation, module,
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};

use crate::types::{
    Activation, AdamState, AdamStep, BatchNormConstants, BatchNormOutput, ConvSpec,
};

pub fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => activation::silu(x),
        Activation::HardSwish => x.clone() * hard_sigmoid(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::Gelu => activation::gelu(x),
        Activation::GeluTanh => {
            let u = (x.clone() + x.clone() * x.clone().square() * 0.044715) * (2.0 / PI).sqrt();
            x * (u.tanh() + 1.0) * 0.5
        }
    }
}

fn hard_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
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

pub fn tokens_of_map(map: Tensor<4>) -> Tensor<3> {
    let [batch, channels, height, width] = map.dims();
    map.permute([0, 2, 3, 1]).reshape([batch, height * width, channels])
}

pub fn map_of_tokens(tokens: Tensor<3>, height: usize, width: usize) -> Tensor<4> {
    let [batch, _, channels] = tokens.dims();
    tokens.reshape([batch, height, width, channels]).permute([0, 3, 1, 2])
}

pub fn linear_tokens(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<3> {
    activate(x.matmul(weight.transpose().unsqueeze()) + bias.unsqueeze(), activation)
}

pub fn linear_residual_tokens(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    scale: Option<Tensor<1>>,
    shortcut: Tensor<3>,
) -> Tensor<3> {
    let branch = linear_tokens(x, weight, bias, Activation::Identity);
    match scale {
        Some(scale) => shortcut + branch * scale.unsqueeze(),
        None => shortcut + branch,
    }
}

pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<3> {
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    centred / (variance + eps).sqrt() * weight.unsqueeze() + bias.unsqueeze()
}

pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, channels] = qkv.dims();
    let (channels, head) = (channels / 3, channels / 3 / heads);
    // [batch, tokens, 3, heads, head] to one [batch, heads, tokens, head] each.
    let parts = qkv.reshape([batch, tokens, 3, heads, head]).permute([2, 0, 3, 1, 4]);
    let part = |index| parts.clone().narrow(0, index, 1).reshape([batch, heads, tokens, head]);
    let scores = part(0).matmul(part(1).swap_dims(2, 3)) * (head as f64).powf(-0.5);
    let mixed = activation::softmax(scores, 3).matmul(part(2));
    mixed.swap_dims(1, 2).reshape([batch, tokens, channels])
}

pub fn global_response_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<3> {
    let norms = x.clone().square().sum_dim(1).sqrt();
    let norms = norms.clone() / (norms.mean_dim(2) + 1e-6);
    x.clone() + bias.unsqueeze() + weight.unsqueeze() * x * norms
}
