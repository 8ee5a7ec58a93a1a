//! Plain data that the functions take and return.

use burn::tensor::Tensor;

/// Activations that the networks use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * sigmoid(x)`, also called swish.
    Silu,
    /// `x * hard_sigmoid(x)` (Howard et al. 2019, section 5.2).
    HardSwish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
    /// `x * Phi(x)` with the normal distribution `Phi`, by its error function (Hendrycks and Gimpel
    /// 2016): `torch.nn.GELU()`.
    Gelu,
    /// `x * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`: `torch.nn.GELU("tanh")`.
    GeluTanh,
}

/// Geometry of a convolution, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Step between two outputs, in input pixels.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
    /// Step between two taps of the kernel.
    pub dilation: usize,
    /// Independent groups of channels; one per channel for a depthwise convolution.
    pub groups: usize,
}

/// Zeros around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As many on every side: PyTorch's.
    Sides(usize),
    /// As many as make `outputs = ceil(inputs / stride)`. If their number is odd, the last row or
    /// column gets one more: TensorFlow's `SAME`.
    Same,
}

impl Padding {
    /// Returns the zeros before and after the `inputs` of one axis.
    pub fn around(self, inputs: usize, kernel: usize, stride: usize) -> [usize; 2] {
        match self {
            Padding::Sides(zeros) => [zeros; 2],
            Padding::Same => {
                let seen = (inputs.div_ceil(stride) - 1) * stride + kernel;
                let zeros = seen.saturating_sub(inputs);
                [zeros / 2, zeros - zeros / 2]
            }
        }
    }
}

/// Parameters and statistics of a normalisation, each `[channels]`.
#[derive(Clone, Debug)]
pub struct BatchNormConstants {
    /// Scale.
    pub weight: Tensor<1>,
    /// Shift.
    pub bias: Tensor<1>,
    /// Running mean.
    pub mean: Tensor<1>,
    /// Running variance.
    pub variance: Tensor<1>,
    /// Added to the variance.
    pub eps: f64,
}

/// Result of a normalisation with the statistics of the batch.
pub struct BatchNormOutput {
    /// Normalised, scaled, shifted and activated; `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// Mean of the batch, `[channels]`, without gradient.
    pub mean: Tensor<1>,
    /// *Biased* variance of the batch (divided by n), `[channels]`, without gradient.
    pub variance: Tensor<1>,
}

/// A parameter with its moments.
pub struct AdamState {
    /// The parameter.
    pub weight: Tensor<1>,
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of the squared gradient.
    pub second: Tensor<1>,
}

/// Hyperparameters of one step of Adam, the same for every tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Number of steps taken, including this one.
    pub step: u64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Factor of the weight that is added to the gradient: Adam's L2 penalty.
    pub l2: f64,
    /// Factor that the weight is multiplied by first: AdamW's decay,
    /// `1 - learning_rate * weight_decay`.
    pub shrink: f64,
}
