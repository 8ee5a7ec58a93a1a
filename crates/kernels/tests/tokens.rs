//! Operations on tokens against Burn's own, forward and backward.

mod common;

use burn::tensor::{Device, Distribution, Tensor, activation};
use kennel_kernels::{
    Activation, attention, composed, global_response_norm, layer_norm, linear_residual_tokens,
    linear_tokens, map_of_tokens, mean_token, residual_add_tokens, tokens_of_map,
};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>) {
    assert_eq!(found.dims(), expected.dims());
    for (found, expected) in values(found).into_iter().zip(values(expected)) {
        assert!(
            (found - expected).abs() <= 1e-5 * expected.abs().max(1.0),
            "{found} and {expected}"
        );
    }
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

#[test]
fn layer_norm_is_that_of_pytorch() {
    let x = Tensor::<3>::from_data([[[1.0, 2.0, 3.0, 4.0]]], &Device::flex());
    let weight = Tensor::from_data([1.0, 1.0, 2.0, 1.0], &Device::flex());
    let bias = Tensor::from_data([0.0, 0.0, 0.0, 1.0], &Device::flex());
    let expected =
        Tensor::from_data([[[-1.3416355, -0.4472118, 0.8944237, 2.3416355]]], &Device::flex());
    assert_close(layer_norm(x, weight, bias, 1e-5), expected);
}

#[test]
fn tokens_are_the_pixels_of_a_map_row_by_row() {
    let map = random([2, 3, 4, 5]);
    assert_close(tokens_of_map(map.clone()), map.flatten::<3>(2, 3).swap_dims(1, 2));
}

#[test]
fn results_and_gradients_are_those_of_burns_operations() {
    let (x, weight, bias) = (random([3, 7, 10]), random([6, 10]), random([6]));
    let watched = || {
        let watch = |tensor: Tensor<3>| tensor.autodiff().require_grad();
        (
            watch(x.clone()),
            weight.clone().autodiff().require_grad(),
            bias.clone().autodiff().require_grad(),
        )
    };
    let (x1, w1, b1) = watched();
    let y1 = linear_tokens(x1.clone(), w1.clone(), b1.clone(), Activation::Silu);
    let y1 = mean_token(residual_add_tokens(y1.clone(), y1)).flatten::<2>(1, 3);
    let (x2, w2, b2) = watched();
    let y2 = activation::silu(
        x2.clone().matmul(w2.clone().transpose().unsqueeze()) + b2.clone().unsqueeze(),
    );
    let y2 = (y2.clone() + y2).mean_dim(1).flatten::<2>(1, 2);
    assert_close(y1.clone().without_autodiff(), y2.clone().without_autodiff());
    let (g1, g2) = (y1.square().sum().backward(), y2.square().sum().backward());
    assert_close(x1.grad(&g1).unwrap(), x2.grad(&g2).unwrap());
    assert_close(w1.grad(&g1).unwrap(), w2.grad(&g2).unwrap());
    assert_close(b1.grad(&g1).unwrap(), b2.grad(&g2).unwrap());
}

/// Tokens and vectors as the four dimensions that `compare` takes, and back.
fn tokens(x: Tensor<4>) -> Tensor<3> {
    x.flatten(2, 3)
}

fn vector(x: Tensor<4>) -> Tensor<1> {
    x.flatten(0, 3)
}

fn matrix(x: Tensor<4>) -> Tensor<2> {
    let [outputs, features, _, _] = x.dims();
    x.reshape([outputs, features])
}

fn four(x: Tensor<3>) -> Tensor<4> {
    x.unsqueeze_dim(3)
}

/// `[batch, tokens, channels]`.
const TOKENS: [[usize; 3]; 7] =
    [[1, 1, 1], [2, 3, 5], [3, 7, 16], [2, 197, 96], [1, 130, 33], [4, 50, 384], [1, 2, 1100]];

#[test]
fn normalisations_of_tokens_are_those_of_burn() {
    for [batch, count, channels] in TOKENS {
        let shapes = [[batch, count, channels, 1], [channels, 1, 1, 1], [channels, 1, 1, 1]];
        // With one channel everything is zero but the rounding, and the deviation divides by it.
        for eps in [1e-6, 1e-5].into_iter().filter(|_| channels > 1) {
            common::compare(
                "layer_norm",
                shapes,
                2e-5,
                |[x, w, b]| four(layer_norm(tokens(x), vector(w), vector(b), eps)),
                |[x, w, b]| four(composed::layer_norm(tokens(x), vector(w), vector(b), eps)),
            );
        }
        common::compare(
            "global_response_norm",
            shapes,
            1e-5,
            |[x, w, b]| four(global_response_norm(tokens(x), vector(w), vector(b))),
            |[x, w, b]| four(composed::global_response_norm(tokens(x), vector(w), vector(b))),
        );
    }
}

#[test]
fn fully_connected_layers_are_those_of_burn() {
    for [batch, count, features] in TOKENS {
        for outputs in [1, 7, 96, 200] {
            let x = [batch, count, features, 1];
            let (weight, vector_of) = ([outputs, features, 1, 1], [outputs, 1, 1, 1]);
            for activation in [Activation::Identity, Activation::Gelu, Activation::Silu] {
                // Burn's GELU of a negative number is the small difference of two large ones.
                let tolerance = if activation == Activation::Gelu { 2e-4 } else { 1e-5 };
                common::compare(
                    &format!("linear_tokens {activation:?}"),
                    [x, weight, vector_of],
                    tolerance,
                    |[x, w, b]| four(linear_tokens(tokens(x), matrix(w), vector(b), activation)),
                    |[x, w, b]| {
                        let (x, w, b) = (tokens(x), matrix(w), vector(b));
                        four(composed::linear_tokens(x, w, b, activation))
                    },
                );
            }
            let shortcut = [batch, count, outputs, 1];
            common::compare(
                "linear_residual_tokens",
                [x, weight, vector_of, shortcut],
                1e-5,
                |[x, w, b, s]| {
                    let (x, w, b) = (tokens(x), matrix(w), vector(b));
                    four(linear_residual_tokens(x, w, b, None, tokens(s)))
                },
                |[x, w, b, s]| {
                    let (x, w, b) = (tokens(x), matrix(w), vector(b));
                    four(composed::linear_residual_tokens(x, w, b, None, tokens(s)))
                },
            );
            common::compare(
                "linear_residual_tokens with a scale",
                [x, weight, vector_of, shortcut, vector_of],
                1e-5,
                |[x, w, b, s, scale]| {
                    let (x, w, b) = (tokens(x), matrix(w), vector(b));
                    four(linear_residual_tokens(x, w, b, Some(vector(scale)), tokens(s)))
                },
                |[x, w, b, s, scale]| {
                    let (x, w, b, scale) = (tokens(x), matrix(w), vector(b), vector(scale));
                    four(composed::linear_residual_tokens(x, w, b, Some(scale), tokens(s)))
                },
            );
        }
    }
}

#[test]
fn attention_is_that_of_burn() {
    // (batch, tokens, heads, channels of a head)
    for (batch, count, heads, head) in [
        (1, 1, 1, 1),
        (2, 2, 3, 5),
        (1, 24, 2, 32),
        (2, 50, 3, 48),
        (1, 97, 2, 80),
        (3, 197, 2, 64),
        (1, 257, 3, 96),
        (1, 321, 1, 64),
        (1, 1370, 2, 64),
    ] {
        // Scores of up to about ten, so that the softmax is neither flat nor a choice.
        let sharpen = 3.0 / (head as f64).powf(0.25);
        common::compare(
            &format!("attention of {heads} heads"),
            [[batch, count, 3 * heads * head, 1]],
            2e-5,
            |[qkv]| four(attention(tokens(qkv * sharpen), heads)),
            |[qkv]| four(composed::attention(tokens(qkv * sharpen), heads)),
        );
    }
}

#[test]
fn attention_to_large_scores_does_not_overflow() {
    let qkv = random([1, 300, 3 * 64]) * 40.0;
    let found = values(attention(qkv.clone(), 2));
    common::assert_close(&found, &values(composed::attention(qkv, 2)), 1e-4, "large scores");
}

/// The kernels pass each other gradients and recomputed inputs.
#[test]
fn a_block_of_a_transformer_is_that_of_burn() {
    const CHANNELS: usize = 48;
    let vector_of = [CHANNELS, 1, 1, 1];
    type Parameters = [Tensor<4>; 10];
    macro_rules! block {
        ($in:ident) => {
            |[map, w, b, qkv, qkv_b, out, fc1, fc1_b, fc2, scale]: Parameters| {
                let x = $in::tokens_of_map(map);
                let (w, b) = (vector(w), vector(b));
                let y = $in::layer_norm(x.clone(), w.clone(), b.clone(), 1e-6);
                let y = $in::linear_tokens(y, matrix(qkv), vector(qkv_b), Activation::Identity);
                let y = $in::attention(y, 3);
                let scale = Some(vector(scale));
                let x = $in::linear_residual_tokens(y, matrix(out), b.clone(), scale.clone(), x);
                let y = $in::layer_norm(x.clone(), w.clone(), b.clone(), 1e-6);
                let y = $in::linear_tokens(y, matrix(fc1), vector(fc1_b.clone()), Activation::Gelu);
                let y = $in::global_response_norm(y, vector(fc1_b.clone()), vector(fc1_b));
                let x = $in::linear_residual_tokens(y, matrix(fc2), b, scale, x);
                $in::map_of_tokens(x, 8, 5)
            }
        };
    }
    common::compare(
        "a block",
        [
            [2, CHANNELS, 8, 5],
            vector_of,
            vector_of,
            [3 * CHANNELS, CHANNELS, 1, 1],
            [3 * CHANNELS, 1, 1, 1],
            [CHANNELS, CHANNELS, 1, 1],
            [100, CHANNELS, 1, 1],
            [100, 1, 1, 1],
            [CHANNELS, 100, 1, 1],
            vector_of,
        ],
        5e-5,
        block!(kennel_kernels),
        block!(composed),
    );
}

#[test]
fn fused_and_separate_layers_agree_without_autodiff() {
    let (x, shortcut) = (random([3, 70, 48]), random([3, 70, 24]));
    let (weight, bias, scale) = (random([24, 48]), random([24]), random([24]));
    for activation in [Activation::Identity, Activation::Gelu, Activation::GeluTanh] {
        for _ in 0..2 {
            // The second call takes the packed weight of the first.
            let found = linear_tokens(x.clone(), weight.clone(), bias.clone(), activation);
            let (w, b) = (weight.clone(), bias.clone());
            assert_close(found, composed::linear_tokens(x.clone(), w, b, activation));
        }
    }
    for scale in [None, Some(scale)] {
        let (w, b) = (weight.clone(), bias.clone());
        let found = linear_residual_tokens(
            x.clone(),
            w.clone(),
            b.clone(),
            scale.clone(),
            shortcut.clone(),
        );
        let wanted = composed::linear_residual_tokens(x.clone(), w, b, scale, shortcut.clone());
        assert_close(found, wanted);
    }
    let qkv = random([2, 33, 96]);
    assert_close(attention(qkv.clone(), 4), composed::attention(qkv, 4));
    let map = random([2, 6, 5, 4]);
    assert_close(map_of_tokens(tokens_of_map(map.clone()), 5, 4), map);
}

/// A packed weight must not outlive a change of the weight.
#[test]
fn a_changed_weight_is_packed_again() {
    let (x, bias) = (random([1, 5, 8]), random([4]));
    let mut weight = random([4, 8]);
    for _ in 0..3 {
        let (w, b) = (weight.clone(), bias.clone());
        let found = linear_tokens(x.clone(), w.clone(), b.clone(), Activation::Identity);
        assert_close(found, composed::linear_tokens(x.clone(), w, b, Activation::Identity));
        weight = weight * 2.0 + 1.0;
    }
}
