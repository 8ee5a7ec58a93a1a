//! The configuration of a block.

use kennel_kernels::Activation;

use crate::layers::SqueezeExciteConfig;

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Depthwise, then pointwise.
    Separable,
    /// Pointwise to `expanded` channels, depthwise, pointwise.
    InvertedResidual {
        /// Channels of the depthwise convolution.
        expanded: usize,
    },
    /// A full convolution to `expanded` channels, pointwise.
    EdgeResidual {
        /// Channels of the first convolution.
        expanded: usize,
    },
    /// Depthwise, pointwise to `expanded` channels, depthwise, pointwise; a depthwise convolution
    /// whose kernel is 0 is left out. [`BlockConfig::kernel`] is the second one's.
    Universal {
        /// Kernel side of the first depthwise convolution.
        start: usize,
        /// Channels of the second one.
        expanded: usize,
    },
    /// One convolution.
    Conv {
        /// Whether its input is added to its output where the shapes allow it.
        skip: bool,
    },
}

/// Configuration of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockConfig {
    /// Kind of the block.
    pub kind: BlockKind,
    /// Kernel side of the depthwise or full convolution.
    pub kernel: usize,
    /// Stride of that convolution.
    pub stride: usize,
    /// Output channels.
    pub output: usize,
    /// Activation after each normalisation but the last; for [`BlockKind::Conv`], after its only
    /// one.
    pub activation: Activation,
    /// Squeeze-and-excitation after that convolution.
    pub squeeze_excite: Option<SqueezeExciteConfig>,
}
