//! Compares every kernel with the same function composed of Burn's operations: values and
//! gradients, over a table of shapes.

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_close, compare, random, values};
use kennel_kernels::{
    Activation, AdamState, AdamStep, BatchNormConstants, ConvSpec, FoldCache, Padding, activate,
    adam_step, avg_pool2d, batch_norm_inference, batch_norm_train, composed, conv2d,
    conv2d_batch_norm_inference, global_avg_pool, in_micro_batches, lerp, max_pool2d, residual_add,
    scale_channels,
};

const ACTIVATIONS: [Activation; 9] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Relu6,
    Activation::Silu,
    Activation::HardSwish,
    Activation::Sigmoid,
    Activation::HardSigmoid,
    Activation::Gelu,
    Activation::GeluTanh,
];

/// `[batch, channels, height, width]`: odd sides, one pixel, one photo, few channels and many.
const MAPS: [[usize; 4]; 7] = [
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [1, 16, 9, 4],
    [3, 17, 6, 6],
    [2, 24, 1, 1],
    [2, 40, 13, 11],
    [1, 300, 5, 3],
];

fn constants(
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
) -> BatchNormConstants {
    BatchNormConstants { weight, bias, mean, variance, eps: 1e-5 }
}

#[test]
fn convolutions_are_those_of_burn() {
    // (channels, outputs, groups, kernel, stride, padding, dilation)
    let cases = [
        (3, 8, 1, 1, 1, 0, 1),
        (16, 24, 1, 1, 1, 0, 1),
        (24, 96, 1, 1, 1, 0, 1),
        (17, 33, 1, 1, 2, 0, 1),
        (8, 8, 1, 1, 3, 0, 1),
        (4, 5, 1, 1, 1, 1, 1),
        (300, 260, 1, 1, 1, 0, 1),
        (3, 32, 1, 3, 2, 1, 1),
        (3, 8, 1, 7, 2, 3, 1),
        (5, 7, 1, 3, 1, 1, 1),
        (16, 20, 1, 3, 1, 0, 1),
        (16, 16, 1, 3, 2, 1, 1),
        (32, 64, 1, 3, 1, 1, 1),
        (64, 32, 1, 3, 1, 1, 1),
        (96, 96, 1, 3, 1, 1, 1),
        (6, 4, 1, 5, 1, 2, 1),
        (6, 4, 1, 5, 3, 1, 1),
        (4, 4, 1, 3, 1, 4, 1),
        (8, 8, 8, 3, 1, 1, 1),
        (16, 16, 16, 3, 1, 1, 1),
        (24, 24, 24, 3, 2, 1, 1),
        (35, 35, 35, 3, 1, 0, 1),
        (40, 40, 40, 5, 1, 2, 1),
        (40, 40, 40, 5, 2, 2, 1),
        (17, 17, 17, 5, 3, 2, 1),
        (16, 16, 16, 3, 2, 0, 1),
        (16, 16, 16, 7, 1, 3, 1),
        (40, 40, 40, 7, 1, 3, 1),
        (21, 21, 21, 7, 2, 3, 1),
        (3, 24, 1, 4, 4, 0, 1),
        (16, 20, 1, 2, 2, 0, 1),
        (48, 48, 2, 3, 1, 1, 1),
        (72, 72, 3, 3, 2, 1, 1),
        (8, 12, 4, 3, 1, 1, 1),
        (12, 6, 3, 1, 1, 0, 1),
        (10, 70, 2, 5, 1, 2, 1),
        (6, 4, 2, 5, 3, 1, 1),
        (6, 8, 2, 3, 4, 0, 1),
        (4, 4, 2, 3, 1, 4, 1),
        (16, 8, 4, 2, 2, 0, 1),
        // Not supported by the fast path: computed by Burn's own operations.
        (8, 16, 8, 3, 1, 1, 1),
        (6, 6, 1, 3, 1, 2, 2),
        (16, 16, 16, 9, 1, 4, 1),
    ];
    for (channels, outputs, groups, kernel, stride, padding, dilation) in cases {
        let spec = ConvSpec { stride, padding: Padding::Sides(padding), dilation, groups };
        for (batch, height, width) in [(2, 9, 7), (1, 14, 15), (3, 5, 5), (1, 1, 1), (2, 2, 8)] {
            let reach = dilation * (kernel - 1) + 1;
            if height + 2 * padding < reach || width + 2 * padding < reach {
                continue;
            }
            compare(
                &format!("{spec:?} kernel {kernel}"),
                [[batch, channels, height, width], [outputs, channels / groups, kernel, kernel]],
                1e-5,
                |[x, w]| conv2d(x, w, None, spec),
                |[x, w]| composed::conv2d(x, w, None, spec),
            );
        }
    }
}

#[test]
fn convolutions_with_same_padding_are_those_of_burn() {
    for (channels, outputs, groups) in
        [(5, 7, 1), (16, 20, 1), (24, 24, 24), (8, 16, 8), (12, 18, 3)]
    {
        for (kernel, stride) in [(1, 1), (1, 2), (2, 2), (3, 1), (3, 2), (5, 1), (5, 2), (3, 3)] {
            let spec = ConvSpec { stride, padding: Padding::Same, dilation: 1, groups };
            for (batch, height, width) in [(2, 9, 7), (1, 14, 15), (3, 6, 6), (1, 1, 1), (2, 2, 8)]
            {
                let output = conv2d(
                    Tensor::zeros([batch, channels, height, width], &Device::flex()),
                    Tensor::zeros([outputs, channels / groups, kernel, kernel], &Device::flex()),
                    None,
                    spec,
                );
                let sides = [height.div_ceil(stride), width.div_ceil(stride)];
                assert_eq!(output.dims()[2..], sides, "{spec:?} kernel {kernel}");
                compare(
                    &format!("{spec:?} kernel {kernel}"),
                    [
                        [batch, channels, height, width],
                        [outputs, channels / groups, kernel, kernel],
                    ],
                    1e-5,
                    |[x, w]| conv2d(x, w, None, spec),
                    |[x, w]| composed::conv2d(x, w, None, spec),
                );
            }
        }
    }
}

#[test]
fn same_padding_puts_the_odd_zero_last() {
    let around = |inputs, kernel, stride| Padding::Same.around(inputs, kernel, stride);
    assert_eq!(around(224, 3, 2), [0, 1]);
    assert_eq!(around(225, 3, 2), [1, 1]);
    assert_eq!(around(56, 5, 2), [1, 2]);
    assert_eq!(around(56, 5, 1), [2, 2]);
    assert_eq!(around(7, 1, 2), [0, 0]);
}

#[test]
fn a_bias_is_added_to_every_pixel_of_its_channel() {
    let spec = ConvSpec { stride: 1, padding: Padding::Sides(1), dilation: 1, groups: 1 };
    compare(
        "with bias",
        [[2, 5, 6, 4], [7, 5, 3, 3], [1, 7, 1, 1]],
        1e-5,
        |[x, w, b]| conv2d(x, w, Some(b.reshape([7])), spec),
        |[x, w, b]| composed::conv2d(x, w, Some(b.reshape([7])), spec),
    );
    let device = Device::flex();
    for (channels, outputs, groups, kernel, stride, padding) in [
        (3, 9, 1, 4, 4, 0),
        (20, 20, 20, 7, 1, 3),
        (8, 6, 2, 3, 1, 1),
        (8, 6, 1, 2, 2, 0),
        (5, 7, 1, 1, 1, 0),
    ] {
        let spec = ConvSpec { stride, padding: Padding::Sides(padding), dilation: 1, groups };
        let x = random([2, channels, 16, 12], 1, &device);
        let w = random([outputs, channels / groups, kernel, kernel], 2, &device);
        let b = random([outputs], 3, &device);
        let expected = composed::conv2d(x.clone(), w.clone(), Some(b.clone()), spec);
        for _ in 0..2 {
            // The second call takes the packed weight of the first.
            let found = conv2d(x.clone(), w.clone(), Some(b.clone()), spec);
            assert_close(&values(found), &values(expected.clone()), 1e-5, &format!("{spec:?}"));
        }
    }
}

#[test]
fn normalisation_with_the_batch_is_that_of_burn() {
    for [batch, channels, height, width] in
        MAPS.into_iter().chain([[16, 8, 33, 31], [4, 130, 20, 20]])
    {
        if batch * height * width == 1 {
            continue;
        }
        for activation in ACTIVATIONS {
            let vector = [1, channels, 1, 1];
            compare(
                &format!("batch_norm_train {activation:?}"),
                [[batch, channels, height, width], vector, vector],
                // With two pixels per channel the deviation is nearly zero, and dividing by it
                // amplifies rounding.
                if batch * height * width < 4 { 1e-2 } else { 1e-4 },
                |[x, w, b]| {
                    batch_norm_train(
                        x,
                        w.reshape([channels]),
                        b.reshape([channels]),
                        1e-5,
                        activation,
                    )
                    .output
                },
                |[x, w, b]| {
                    let (w, b) = (w.reshape([channels]), b.reshape([channels]));
                    composed::batch_norm_train(x, w, b, 1e-5, activation).output
                },
            );
        }
    }
}

/// A layer after a normalisation recomputes its input in the backward pass if that is cheap.
#[test]
fn layers_after_a_normalisation_are_those_of_burn() {
    type Layer = fn(Tensor<4>, Tensor<4>) -> Tensor<4>;
    const fn spec(stride: usize, padding: usize, groups: usize) -> ConvSpec {
        ConvSpec { stride, padding: Padding::Sides(padding), dilation: 1, groups }
    }
    // (weight, ours, Burn's)
    macro_rules! conv {
        ($weight:expr, $stride:expr, $padding:expr, $groups:expr) => {
            (
                $weight,
                (|x, w| conv2d(x, w, None, spec($stride, $padding, $groups))) as Layer,
                (|x, w| composed::conv2d(x, w, None, spec($stride, $padding, $groups))) as Layer,
            )
        };
    }
    let cases: [([usize; 4], Layer, Layer); 9] = [
        conv!([24, 20, 1, 1], 1, 0, 1),
        conv!([24, 20, 1, 1], 2, 0, 1),
        conv!([24, 20, 3, 3], 1, 1, 1),
        conv!([24, 20, 3, 3], 2, 1, 1),
        conv!([20, 1, 3, 3], 1, 1, 20),
        conv!([20, 1, 5, 5], 2, 2, 20),
        conv!([30, 10, 3, 3], 1, 1, 2),
        conv!([20, 5, 3, 3], 2, 1, 4),
        (
            [1; 4],
            (|x, w| max_pool2d(x, 3, 2, 1) * w) as Layer,
            (|x, w| composed::max_pool2d(x, 3, 2, 1) * w) as Layer,
        ),
    ];
    for (weight, layer, burns) in cases {
        for activation in ACTIVATIONS {
            compare(
                &format!("{activation:?} before a layer of weight {weight:?}"),
                [[3, 20, 19, 11], [1, 20, 1, 1], [1, 20, 1, 1], weight],
                1e-4,
                |[x, w, b, weight]| {
                    let (w, b) = (w.reshape([20]), b.reshape([20]));
                    layer(batch_norm_train(x, w, b, 1e-5, activation).output, weight)
                },
                |[x, w, b, weight]| {
                    let (w, b) = (w.reshape([20]), b.reshape([20]));
                    burns(composed::batch_norm_train(x, w, b, 1e-5, activation).output, weight)
                },
            );
        }
    }
}

#[test]
fn statistics_are_those_of_the_batch_and_take_no_gradient() {
    let device = Device::flex().autodiff();
    for far in [0.0, 1e3] {
        let x = random([4, 19, 23, 21], 7, &device) + far;
        let (w, b) = (Tensor::ones([19], &device).require_grad(), Tensor::zeros([19], &device));
        let out = batch_norm_train(x.clone(), w, b, 1e-5, Activation::Identity);
        assert!(!out.mean.device().is_autodiff() && !out.variance.device().is_autodiff());
        let (mean, variance) = (values(out.mean), values(out.variance));
        let x = values(x.swap_dims(0, 1));
        for (c, x) in x.chunks_exact(4 * 23 * 21).enumerate() {
            let n = x.len() as f64;
            let expected = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
            let spread = x.iter().map(|&x| (f64::from(x) - expected).powi(2)).sum::<f64>() / n;
            assert!((f64::from(mean[c]) - expected).abs() < 1e-6 * (1.0 + far));
            assert!(
                (f64::from(variance[c]) / spread - 1.0).abs() < 1e-5,
                "{} and {spread}",
                variance[c]
            );
        }
    }
}

#[test]
fn normalisation_with_given_statistics_is_that_of_burn() {
    for [batch, channels, height, width] in MAPS {
        for activation in ACTIVATIONS {
            let vector = [1, channels, 1, 1];
            let mean = |like: &Tensor<4>| {
                random([1, channels, 1, 1], 31, &like.device()).reshape([channels])
            };
            let variance = |like: &Tensor<4>| mean(like).powf_scalar(2.0) + 0.5;
            compare(
                &format!("batch_norm_inference {activation:?}"),
                [[batch, channels, height, width], vector, vector],
                2e-5,
                |[x, w, b]| {
                    let (mean, variance) = (mean(&x), variance(&x));
                    let (w, b) = (w.reshape([channels]), b.reshape([channels]));
                    batch_norm_inference(x, constants(w, b, mean, variance), activation)
                },
                |[x, w, b]| {
                    let (mean, variance) = (mean(&x), variance(&x));
                    let (w, b) = (w.reshape([channels]), b.reshape([channels]));
                    composed::batch_norm_inference(x, constants(w, b, mean, variance), activation)
                },
            );
        }
    }
}

#[test]
fn a_fused_convolution_and_normalisation_are_the_two() {
    let device = Device::flex();
    for (channels, outputs, groups, kernel, stride) in [
        (24, 96, 1, 1, 1),
        (17, 33, 1, 1, 2),
        (3, 32, 1, 3, 2),
        (40, 40, 40, 5, 2),
        (35, 35, 35, 3, 1),
        (8, 12, 4, 3, 1),
        (48, 48, 2, 3, 2),
        // Winograd.
        (64, 32, 1, 3, 1),
        (32, 96, 1, 3, 1),
    ] {
        let spec = ConvSpec { stride, padding: Padding::Sides(kernel / 2), dilation: 1, groups };
        let x = random([2, channels, 13, 9], 1, &device);
        let weight = random([outputs, channels / groups, kernel, kernel], 2, &device);
        let vector = |seed| random([outputs], seed, &device);
        let norm = constants(vector(3), vector(4), vector(5), vector(6).powf_scalar(2.0) + 0.1);
        let separate = composed::conv2d(x.clone(), weight.clone(), None, spec);
        let activation = Activation::Silu;
        let separate = composed::batch_norm_inference(separate, norm.clone(), activation);
        // Fused without autodiff; two separate functions with it.
        for x in [x.clone(), x.autodiff()] {
            let cache = FoldCache::default();
            let fused = |x: &Tensor<4>, weight: &Tensor<4>, shortcut| {
                let norm = norm.clone();
                conv2d_batch_norm_inference(
                    x.clone(),
                    weight.clone(),
                    spec,
                    norm,
                    shortcut,
                    activation,
                    &cache,
                )
            };
            for _ in 0..2 {
                // The first call folds, the second uses the cache.
                assert_close(
                    &values(fused(&x, &weight, None)),
                    &values(separate.clone()),
                    1e-5,
                    &format!("{spec:?}"),
                );
            }
            // The cache does not mistake other weights for its own.
            let zero = fused(&x, &weight.zeros_like(), None);
            let shift = fused(&x.zeros_like(), &weight, None);
            assert_close(&values(zero), &values(shift), 1e-5, "of nothing");
            let shortcut = random(separate.dims(), 7, &device);
            let linear = composed::batch_norm_inference(
                composed::conv2d(x.clone(), weight.clone(), None, spec),
                norm.clone(),
                Activation::Identity,
            );
            let added = composed::residual_add(linear, shortcut.clone(), activation);
            let found = fused(&x, &weight, Some(shortcut));
            assert_close(
                &values(found),
                &values(added),
                1e-5,
                &format!("{spec:?} with a shortcut"),
            );
        }
    }
}

#[test]
fn photos_pass_in_small_batches_as_in_one() {
    let device = Device::flex();
    let weight = random([32, 3, 3, 3], 2, &device);
    let spec = ConvSpec { stride: 2, padding: Padding::Sides(1), dilation: 1, groups: 1 };
    let network = |x: Tensor<4>| conv2d(x, weight.clone(), None, spec);
    for batch in [1, 2, 5, 6] {
        let x = random([batch, 3, 17, 19], 1, &device);
        assert_eq!(
            values(in_micro_batches(x.clone(), 2, network)),
            values(network(x)),
            "{batch} photos"
        );
    }
}

#[test]
fn a_step_of_adam_is_that_of_its_operations() {
    let device = Device::flex();
    for (l2, shrink) in [(0.0, 1.0), (0.01, 1.0), (0.0, 0.999)] {
        let numbers = AdamStep {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            step: 3,
            learning_rate: 1e-2,
            l2,
            shrink,
        };
        let vector = |seed| random([40_000], seed, &device);
        let state = || AdamState {
            weight: vector(1),
            first: vector(2),
            second: vector(3).powf_scalar(2.0),
        };
        let found = adam_step(state(), vector(4), &numbers);
        let expected = composed::adam_step(state(), vector(4), &numbers);
        assert_close(&values(found.weight), &values(expected.weight), 1e-6, "weight");
        assert_close(&values(found.first), &values(expected.first), 1e-6, "first moment");
        assert_close(&values(found.second), &values(expected.second), 1e-6, "second moment");
        // A tensor that is still in use is not overwritten.
        let (held, state) = (vector(1), state());
        let kept = AdamState { weight: held.clone(), ..state };
        adam_step(kept, vector(4), &numbers);
        assert_eq!(values(held), values(vector(1)));
    }
}

#[test]
fn an_interpolation_is_that_of_its_operations() {
    let device = Device::flex();
    let vector = |seed| random([40_000], seed, &device);
    for weight in [0.0, 0.02, 0.5, 0.63, 1.0] {
        let found = values(lerp(vector(1), vector(2), weight));
        let expected = values(composed::lerp(vector(1), vector(2), weight));
        assert_close(&found, &expected, 1e-6, "lerp");
        // A tensor that is still in use is not overwritten.
        let held = vector(1);
        lerp(held.clone(), vector(2), weight);
        assert_eq!(values(held), values(vector(1)));
    }
    // Both ends are exact, also where their difference rounds.
    assert_eq!(values(lerp(vector(1), vector(2), 1.0)), values(vector(2)));
    assert_eq!(values(lerp(vector(1), vector(2), 0.0)), values(vector(1)));
}

#[test]
fn elementwise_functions_are_those_of_burn() {
    for map in MAPS {
        let factors = [map[0], map[1], 1, 1];
        for a in ACTIVATIONS {
            // Burn's GELU of a negative number is the small difference of two large ones.
            let is_gelu = matches!(a, Activation::Gelu | Activation::GeluTanh);
            let tolerance = if is_gelu { 2e-4 } else { 1e-5 };
            // Three times the range, to reach every piece of every activation.
            compare(
                "activate",
                [map],
                tolerance,
                |[x]| activate(x * 3.0, a),
                |[x]| composed::activate(x * 3.0, a),
            );
            compare(
                &format!("residual_add {a:?}"),
                [map, map],
                tolerance,
                |[x, y]| residual_add(x * 2.0, y * 3.0, a),
                |[x, y]| composed::residual_add(x * 2.0, y * 3.0, a),
            );
        }
        compare(
            "scale_channels",
            [map, factors],
            1e-5,
            |[x, f]| scale_channels(x, f),
            |[x, f]| composed::scale_channels(x, f),
        );
        compare(
            "a sum with itself",
            [map],
            1e-5,
            |[x]| residual_add(x.clone(), x, Activation::Relu),
            |[x]| composed::residual_add(x.clone(), x, Activation::Relu),
        );
    }
}

#[test]
fn pools_are_those_of_burn() {
    for map in MAPS {
        compare(
            "global_avg_pool",
            [map],
            1e-5,
            |[x]| global_avg_pool(x),
            |[x]| composed::global_avg_pool(x),
        );
        for side in 1..=4 {
            compare(
                &format!("avg_pool2d {side}"),
                [map],
                1e-6,
                |[x]| avg_pool2d(x, side),
                |[x]| composed::avg_pool2d(x, side),
            );
        }
        for (kernel, stride, padding) in [(3, 2, 1), (2, 2, 0), (3, 1, 1), (5, 3, 2)] {
            if map[2] + 2 * padding < kernel || map[3] + 2 * padding < kernel {
                continue;
            }
            compare(
                &format!("max_pool2d {kernel} {stride} {padding}"),
                [map],
                1e-6,
                |[x]| max_pool2d(x, kernel, stride, padding),
                |[x]| composed::max_pool2d(x, kernel, stride, padding),
            );
        }
    }
}

#[test]
fn a_plain_operand_is_a_constant() {
    let (plain, tracking) = (Device::flex(), Device::flex().autodiff());
    let spec = ConvSpec { stride: 1, padding: Padding::Sides(1), dilation: 1, groups: 1 };
    let w = random([6, 4, 3, 3], 2, &tracking).require_grad();
    let y = conv2d(random([2, 4, 5, 5], 1, &plain), w.clone(), None, spec);
    let y = batch_norm_inference(
        y,
        constants(
            Tensor::ones([6], &plain),
            Tensor::zeros([6], &plain),
            Tensor::zeros([6], &plain),
            Tensor::ones([6], &plain),
        ),
        Activation::Silu,
    );
    let y = residual_add(y, random([2, 6, 5, 5], 3, &plain), Activation::Relu);
    let y = scale_channels(y, random([2, 6, 1, 1], 4, &plain));
    let grads = y.sum().backward();
    assert!(values(w.grad(&grads).unwrap()).iter().any(|&g| g != 0.0));
}

#[test]
fn layouts_of_the_operands_do_not_matter() {
    let device = Device::flex();
    let spec = ConvSpec { stride: 1, padding: Padding::Sides(1), dilation: 1, groups: 1 };
    let x = random([2, 20, 8, 6], 1, &device);
    let w = random([9, 20, 3, 3], 2, &device);
    let expected = values(conv2d(x.clone(), w.clone(), None, spec));
    // A slice of a larger tensor, and a transposed one.
    let padded =
        Tensor::cat(vec![x.clone(), x.clone(), x.clone()], 0).slice([2..4, 0..20, 0..8, 0..6]);
    let turned = values(x.clone().swap_dims(2, 3));
    let turned =
        Tensor::<1>::from_floats(&turned[..], &device).reshape([2, 20, 6, 8]).swap_dims(2, 3);
    for x in [padded, turned] {
        assert_eq!(values(conv2d(x, w.clone(), None, spec)), expected);
    }
    // Burn's own operations read the result correctly.
    let y = conv2d(x, w, None, spec);
    let sliced = y.clone().slice([1..2, 3..5, 0..8, 1..4]).flatten::<2>(1, 3) * 2.0;
    let [_, _, h, wd] = y.dims();
    let at = |c: usize, i: usize, j: usize| expected[((9 + c) * h + i) * wd + j] * 2.0;
    let by_hand: Vec<f32> = (3..5)
        .flat_map(|c| (0..8).flat_map(move |i| (1..4).map(move |j| (c, i, j))))
        .map(|(c, i, j)| at(c, i, j))
        .collect();
    assert_eq!(values(sliced), by_hand);
}
