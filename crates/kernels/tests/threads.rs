//! Results have the same bits with any number of threads.

mod common;

use burn::tensor::{Device, Tensor};
use common::{random, values};
use kennel_kernels::{
    Activation, ConvSpec, Padding, attention, batch_norm_train, conv2d, global_avg_pool,
    global_response_norm, layer_norm, linear, linear_residual_tokens, linear_tokens, max_pool2d,
    residual_add, scale_channels,
};

/// Runs a small network with every kernel. Returns its logits and all gradients.
fn step(spec: &[(usize, usize, usize, usize, usize)]) -> Vec<Vec<f32>> {
    let device = Device::flex().autodiff();
    let x = random([4, 3, 57, 45], 1, &device).require_grad();
    let mut inputs = vec![];
    let mut weight = |shape: [usize; 4]| -> Tensor<4> {
        let w = random(shape, inputs.len() as u64 + 2, &device).require_grad();
        inputs.push(w.clone());
        w
    };
    let mut y = x.clone();
    for &(channels, outputs, groups, kernel, stride) in spec {
        let conv = ConvSpec { stride, padding: Padding::Sides(kernel / 2), dilation: 1, groups };
        y = conv2d(y, weight([outputs, channels / groups, kernel, kernel]), None, conv);
        let (w, b) = (weight([1, outputs, 1, 1]), weight([1, outputs, 1, 1]));
        y = batch_norm_train(y, w.reshape([outputs]), b.reshape([outputs]), 1e-5, Activation::Silu)
            .output;
    }
    y = max_pool2d(y, 3, 1, 1);
    let channels = y.dims()[1];
    let factors = global_avg_pool(y.clone());
    y = residual_add(scale_channels(y.clone(), factors), y, Activation::Relu6);
    let logits = linear(
        global_avg_pool(y).reshape([4, channels]),
        weight([1, 1, 50, channels]).reshape([50, channels]),
        None,
    );
    let grads = (logits.clone() * random([4, 50], 77, &device)).sum().backward();
    let mut all = vec![values(logits), values(x.grad(&grads).unwrap())];
    all.extend(inputs.iter().map(|w| values(w.grad(&grads).unwrap())));
    all
}

/// Runs every function on tokens. Returns the result and all gradients.
fn step_of_tokens() -> Vec<Vec<f32>> {
    const CHANNELS: usize = 96;
    let device = Device::flex().autodiff();
    let mut inputs = vec![];
    let mut input = |shape: [usize; 3]| -> Tensor<3> {
        let x = random(shape, inputs.len() as u64 + 1, &device).require_grad();
        inputs.push(x.clone());
        x
    };
    let mut vector = |len| input([1, 1, len]).reshape([len]);
    let (w, b, scale) = (vector(CHANNELS), vector(CHANNELS), vector(CHANNELS));
    let (b3, b4, w4) = (vector(3 * CHANNELS), vector(4 * CHANNELS), vector(4 * CHANNELS));
    let mut weight =
        |outputs, features| input([1, outputs, features]).reshape([outputs, features]) * 0.1;
    let (qkv, out) = (weight(3 * CHANNELS, CHANNELS), weight(CHANNELS, CHANNELS));
    let (fc1, fc2) = (weight(4 * CHANNELS, CHANNELS), weight(CHANNELS, 4 * CHANNELS));
    let x = input([3, 333, CHANNELS]);
    let y = layer_norm(x.clone(), w.clone(), b.clone(), 1e-6);
    let y = attention(linear_tokens(y, qkv, b3, Activation::Identity), 3);
    let x = linear_residual_tokens(y, out, b.clone(), None, x);
    let y = layer_norm(x.clone(), w, b.clone(), 1e-6);
    let y = linear_tokens(y, fc1, b4.clone(), Activation::Gelu);
    let y = global_response_norm(y, w4, b4);
    let y = linear_residual_tokens(y, fc2, b, Some(scale), x);
    let grads = (y.clone() * random(y.dims(), 77, &device)).sum().backward();
    let mut all = vec![values(y)];
    all.extend(inputs.iter().map(|x| values(x.grad(&grads).unwrap())));
    all
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let spec = [
        (3, 32, 1, 3, 2),
        (32, 96, 1, 1, 1),
        (96, 96, 96, 3, 1),
        (96, 256, 1, 1, 2),
        (256, 256, 256, 5, 2),
        (256, 320, 1, 3, 1),
        (320, 480, 20, 3, 1),
        (480, 480, 20, 3, 2),
    ];
    assert_same(|| step(&spec));
    assert_same(step_of_tokens);
}

fn assert_same(step: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&step)
    };
    let one = with(1);
    for threads in [2, 3, 5] {
        let many = with(threads);
        for (i, (one, many)) in one.iter().zip(&many).enumerate() {
            let same = one.iter().zip(many).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "result {i} differs between 1 and {threads} threads");
        }
    }
}
