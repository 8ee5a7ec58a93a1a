//! Operations on tokens against Burn's own, forward and backward.

use burn::tensor::{Device, Distribution, Tensor, activation};
use kennel_kernels::{
    Activation, activate_tokens, layer_norm, linear_tokens, mean_token, residual_add_tokens,
    tokens_of_map,
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
    let y1 = activate_tokens(
        linear_tokens(x1.clone(), w1.clone(), b1.clone(), Activation::Identity),
        Activation::Silu,
    );
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
