//! Compares gradients with finite differences, which share no error with Burn's own gradients.

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{random, values};
use kennel_kernels::{
    Activation, ConvSpec, Padding, activate, attention, avg_pool2d, batch_norm_train, conv2d,
    global_avg_pool, global_response_norm, layer_norm, linear_residual_tokens, linear_tokens,
    max_pool2d, residual_add, scale_channels,
};

/// Compares the gradient of a weighted sum of the output with central differences, element by
/// element.
fn check<const N: usize>(
    name: &str,
    shapes: [[usize; 4]; N],
    function: impl Fn([Tensor<4>; N]) -> Tensor<4>,
) {
    let plain = Device::flex();
    let loss = |inputs: [Tensor<4>; N]| {
        let output = function(inputs);
        let weights = random(output.dims(), 50, &plain);
        (output * weights).sum()
    };
    let inputs: [Vec<f32>; N] =
        std::array::from_fn(|i| values(random(shapes[i], i as u64 + 1, &plain)));
    let tensors = |inputs: &[Vec<f32>; N], device: &Device| -> [Tensor<4>; N] {
        std::array::from_fn(|i| {
            Tensor::from_data(TensorData::new(inputs[i].clone(), shapes[i]), device)
        })
    };
    let tracked = tensors(&inputs, &plain.clone().autodiff()).map(Tensor::require_grad);
    let grads = loss(tracked.clone()).backward();
    for (i, tracked) in tracked.iter().enumerate() {
        let gradient = values(tracked.grad(&grads).unwrap());
        for element in 0..inputs[i].len() {
            let at = |step: f32| {
                let mut moved = inputs.clone();
                moved[i][element] += step;
                f64::from(values(loss(tensors(&moved, &plain)))[0])
            };
            const STEP: f32 = 4e-3;
            let expected = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
            let found = f64::from(gradient[element]);
            assert!(
                (found - expected).abs() < 5e-3 * (1.0 + expected.abs()),
                "{name}: input {i}, element {element}: {found} and {expected}"
            );
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_functions() {
    for (channels, outputs, groups, kernel, stride) in [
        (3, 4, 1, 1, 1),
        (3, 2, 1, 1, 2),
        (2, 3, 1, 3, 1),
        (2, 3, 1, 3, 2),
        (17, 17, 17, 3, 2),
        (3, 3, 3, 5, 1),
        (3, 3, 3, 7, 1),
        (3, 4, 1, 2, 2),
        (6, 4, 2, 3, 1),
        (4, 6, 2, 3, 2),
    ] {
        let spec = ConvSpec { stride, padding: Padding::Sides(kernel / 2), dilation: 1, groups };
        let weight = [outputs, channels / groups, kernel, kernel];
        check(&format!("conv2d {spec:?} {kernel}"), [[2, channels, 4, 3], weight], |[x, w]| {
            conv2d(x, w, None, spec)
        });
    }
    // Smooth activations only: a step across a kink proves nothing.
    for activation in [
        Activation::Identity,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Gelu,
        Activation::GeluTanh,
    ] {
        check(
            &format!("batch_norm_train {activation:?}"),
            [[2, 3, 3, 2], [1, 3, 1, 1], [1, 3, 1, 1]],
            |[x, w, b]| {
                batch_norm_train(x, w.reshape([3]), b.reshape([3]), 1e-5, activation).output
            },
        );
        check(&format!("activate {activation:?}"), [[1, 3, 2, 2]], |[x]| {
            activate(x * 3.0, activation)
        });
        check(&format!("residual_add {activation:?}"), [[2, 3, 2, 2]; 2], |[a, b]| {
            residual_add(a, b, activation)
        });
    }
    check("scale_channels", [[2, 3, 3, 2], [2, 3, 1, 1]], |[x, f]| scale_channels(x, f));
    check("global_avg_pool", [[2, 3, 3, 2]], |[x]| global_avg_pool(x));
    check("avg_pool2d", [[2, 3, 5, 4]], |[x]| avg_pool2d(x, 2));
    check("max_pool2d", [[1, 2, 5, 4]], |[x]| max_pool2d(x, 3, 2, 1));
    let tokens = |x: Tensor<4>| x.flatten::<3>(2, 3);
    let square = |w: Tensor<4>| {
        let w = w.reshape([5, 4]);
        w.clone().matmul(w.transpose())
    };
    let again = |x: Tensor<3>| x.unsqueeze_dim::<4>(3);
    check("layer_norm", [[2, 3, 5, 1], [5, 1, 1, 1], [5, 1, 1, 1]], |[x, w, b]| {
        again(layer_norm(tokens(x), w.reshape([5]), b.reshape([5]), 1e-6))
    });
    check("attention", [[2, 5, 12, 1]], |[qkv]| again(attention(tokens(qkv * 2.0), 2)));
    check("global_response_norm", [[2, 4, 5, 1], [5, 1, 1, 1], [5, 1, 1, 1]], |[x, w, b]| {
        again(global_response_norm(tokens(x), w.reshape([5]), b.reshape([5])))
    });
    check(
        "linear_residual_tokens",
        [[2, 3, 4, 1], [5, 4, 1, 1], [5, 1, 1, 1], [5, 1, 1, 1], [2, 3, 5, 1]],
        |[x, w, b, scale, shortcut]| {
            let x = linear_tokens(
                tokens(x),
                w.clone().reshape([5, 4]),
                b.clone().reshape([5]),
                Activation::Gelu,
            );
            let (w, b) = (square(w), b.reshape([5]));
            let scale = Some(scale.reshape([5]));
            again(linear_residual_tokens(x, w, b, scale, tokens(shortcut)))
        },
    );
}
