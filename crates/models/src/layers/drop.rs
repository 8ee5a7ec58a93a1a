//! Random dropping in training: features before the classifier, and whole residual branches.

use burn::module::{Flag, Module, Param};
use burn::tensor::{Distribution, Tensor};

/// `torch.nn.Dropout`: zeroes each feature with probability `rate` and scales the others by
/// `1 / (1 - rate)`.
#[derive(Module, Debug)]
pub struct Dropout {
    training: Param<Flag>,
    #[module(skip)]
    rate: f64,
}

/// Stochastic depth (Huang et al. 2016), as timm's `DropPath`: zeroes a photo's whole residual
/// branch with probability `rate` and scales the others by `1 / (1 - rate)`.
#[derive(Module, Debug)]
pub struct DropPath {
    training: Param<Flag>,
    #[module(skip)]
    rate: f64,
}

impl Dropout {
    pub fn new(rate: f64) -> Self {
        Self { training: Param::from_bool(false), rate }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        if !self.training.is_enabled() || self.rate == 0.0 {
            return x;
        }
        let kept = x.random_like(Distribution::Bernoulli(1.0 - self.rate)).without_autodiff();
        x * kept / (1.0 - self.rate)
    }
}

impl DropPath {
    pub fn new(rate: f64) -> Self {
        Self { training: Param::from_bool(false), rate }
    }

    /// Whether it drops anything.
    pub fn is_active(&self) -> bool {
        self.training.is_enabled() && self.rate > 0.0
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if !self.is_active() {
            return x;
        }
        let batch = x.dims()[0];
        let shape = [batch, 1, 1, 1];
        let kept =
            Tensor::random(shape, Distribution::Bernoulli(1.0 - self.rate), &x.device().without_autodiff());
        x * kept / (1.0 - self.rate)
    }
}
