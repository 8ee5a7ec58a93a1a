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
    /// Makes a layer in evaluation mode.
    pub fn new(rate: f64) -> Self {
        Self { training: Param::from_bool(false), rate }
    }

    /// Whether it drops anything.
    pub fn is_active(&self) -> bool {
        self.training.is_enabled() && self.rate > 0.0
    }

    /// # Shapes
    ///
    /// `[batch, features]`, unchanged.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        if !self.is_active() {
            return x;
        }
        let kept = x.random_like(Distribution::Bernoulli(1.0 - self.rate)).without_autodiff();
        x * kept / (1.0 - self.rate)
    }
}

impl DropPath {
    /// Makes a layer in evaluation mode.
    pub fn new(rate: f64) -> Self {
        Self { training: Param::from_bool(false), rate }
    }

    /// Whether it drops anything.
    pub fn is_active(&self) -> bool {
        self.training.is_enabled() && self.rate > 0.0
    }

    /// # Shapes
    ///
    /// `[batch, ...]`, unchanged.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if !self.is_active() {
            return x;
        }
        let mut shape = [1; D];
        shape[0] = x.dims()[0];
        let kept = Tensor::random(
            shape,
            Distribution::Bernoulli(1.0 - self.rate),
            &x.device().without_autodiff(),
        );
        x * kept / (1.0 - self.rate)
    }
}
