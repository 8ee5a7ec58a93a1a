//! Batch normalisation as in PyTorch, with the activation that follows it.

use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use kennel_kernels::{Activation, BatchNormConstants, batch_norm_inference, batch_norm_train};

/// PyTorch's.
const EPS: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// `torch.nn.BatchNorm2d` (momentum 0.1), then an activation: timm's `BatchNormAct2d`.
///
/// Differs from Burn's own layer: the running variance is the unbiased one, `n / (n - 1)` times the
/// batch's, as in PyTorch. The layer's flag alone switches training behaviour, so a frozen layer on
/// the training device keeps its statistics.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    /// Running mean of the training batches, `[channels]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// Running unbiased variance of the training batches, `[channels]`.
    pub running_var: RunningState<Tensor<1>>,
    /// Whether to normalise with the batch's own statistics and update the running ones.
    pub training: Param<Flag>,
    #[module(skip)]
    activation: Activation,
    /// Added to the variance.
    #[module(skip)]
    eps: f64,
}

impl BatchNorm2d {
    /// What Burn calls it when a visitor enters its fields.
    pub(crate) const CONTAINER: &str = "Struct:BatchNorm2d";

    /// Makes an identity normalisation in evaluation mode, followed by `activation`.
    pub fn new(channels: usize, activation: Activation, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            training: Param::from_bool(false),
            activation,
            eps: EPS,
        }
    }

    /// Adds `eps` to the variance, in place of PyTorch's 1e-5.
    pub fn with_eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Returns the activation that follows the normalisation.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Returns the constants of evaluation mode; None in training mode.
    pub fn constants(&self) -> Option<BatchNormConstants> {
        (!self.training.is_enabled()).then(|| BatchNormConstants {
            weight: self.weight.val(),
            bias: self.bias.val(),
            mean: self.running_mean.value_sync(),
            variance: self.running_var.value_sync(),
            eps: self.eps,
        })
    }

    /// # Shapes
    ///
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if let Some(constants) = self.constants() {
            return batch_norm_inference(x, constants, self.activation);
        }
        let [batch, _, height, width] = x.dims();
        let out =
            batch_norm_train(x, self.weight.val(), self.bias.val(), self.eps, self.activation);
        let n = (batch * height * width) as f64;
        // A single value per channel has no spread. PyTorch raises an error; here the variance
        // stays the biased one, 0.
        let unbiased = out.variance * (n / (n - 1.0).max(1.0));
        let blend =
            |running: Tensor<1>, batch: Tensor<1>| running * (1.0 - MOMENTUM) + batch * MOMENTUM;
        self.running_mean.update(blend(self.running_mean.value_sync(), out.mean));
        self.running_var.update(blend(self.running_var.value_sync(), unbiased));
        out.output
    }
}
