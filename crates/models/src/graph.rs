//! A network as a graph: operations in order, with their weights.

use std::collections::BTreeSet;

use kennel_kernels::{Activation, Padding};

use crate::TensorValue;
use crate::value::Value;

/// A network in evaluation mode, from pixels `[batch, 3, side, side]` to logits `[batch, classes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkGraph {
    /// Nodes in the order of computation. The output of the last one is the logits.
    pub nodes: Vec<GraphNode>,
    /// Outputs of the late stages, whose means over pixels or tokens tell unknown photos.
    pub late: Vec<Value<GraphValue, GraphValue>>,
}

impl NetworkGraph {
    /// Returns the names of the nodes that their family keeps in floats.
    pub fn kept_in_float(&self) -> BTreeSet<&str> {
        self.nodes.iter().filter(|node| node.kept_in_float).map(|node| node.name.as_str()).collect()
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// timm's name of the layer if it has weights (`layer1.0.conv1`); otherwise the name of the
    /// last layer with weights, plus the operation (`layer1.0.conv1.relu`). Names are unique.
    pub name: String,
    /// The operation.
    pub operation: Operation,
    /// Its inputs.
    pub inputs: Vec<GraphValue>,
    /// Whether its family keeps it in floats where other layers become 8-bit integers.
    pub kept_in_float: bool,
}

/// A value that passes between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GraphValue {
    /// The pixels.
    Pixels,
    /// The output of the node with this index.
    Node(usize),
}

/// The operation of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A square convolution without dilation.
    Conv {
        /// `[outputs, channels / groups, kernel, kernel]`.
        weight: TensorValue,
        /// `[outputs]`.
        bias: Vec<f32>,
        /// Distance between two outputs.
        stride: usize,
        /// Zeros around the input.
        padding: Padding,
        /// Number of groups; the number of channels for a depthwise convolution.
        groups: usize,
    },
    /// An activation of every element.
    Activation(Activation),
    /// The maximum of every window.
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// Distance between two windows.
        stride: usize,
        /// Border that is never the maximum.
        padding: usize,
    },
    /// The mean of adjacent windows. Windows that extend over the edge average only the pixels
    /// inside.
    AveragePool {
        /// Side of the window, and distance between two.
        side: usize,
    },
    /// The mean of every channel, `[batch, channels, 1, 1]`.
    GlobalAveragePool,
    /// The sum of two inputs.
    Add,
    /// Every channel of the first input times its factor in the second, `[batch, channels, 1, 1]`.
    ScaleChannels,
    /// The pixels of a feature map as tokens, row by row: `[batch, channels, height, width]` to
    /// `[batch, height * width, channels]`.
    ToTokens,
    /// Tokens as the pixels of a feature map that is as high and as wide as the second input: the
    /// inverse of [`Operation::ToTokens`].
    ToMap,
    /// A fully connected layer on every token, `[batch, tokens, features]` to
    /// `[batch, tokens, outputs]`.
    LinearOnTokens {
        /// `[outputs, features]`.
        weight: TensorValue,
        /// `[outputs]`.
        bias: Vec<f32>,
    },
    /// The normalisation of every token's channels.
    LayerNorm {
        /// `[channels]`.
        weight: Vec<f32>,
        /// `[channels]`.
        bias: Vec<f32>,
        /// Added to the variance.
        eps: f64,
    },
    /// Every channel times a constant.
    ScaleTokens {
        /// `[channels]`.
        scale: Vec<f32>,
    },
    /// Multi-head self-attention, `[batch, tokens, 3 * channels]` to `[batch, tokens, channels]`.
    /// The channels are queries, keys and values, each head by head.
    Attention {
        /// Number of heads.
        heads: usize,
        /// Number of channels.
        channels: usize,
    },
    /// Global response normalisation over the tokens of a photo.
    ResponseNorm {
        /// `[channels]`.
        weight: Vec<f32>,
        /// `[channels]`.
        bias: Vec<f32>,
    },
    /// More tokens, before the others.
    PrependTokens {
        /// `[1, count, channels]`.
        tokens: TensorValue,
    },
    /// The sum with a constant, the same for every photo.
    AddEmbedding {
        /// `[1, tokens, channels]`.
        embedding: TensorValue,
    },
    /// The mean of all tokens, `[batch, channels]`.
    MeanToken,
    /// The first token, `[batch, channels]`.
    FirstToken,
    /// The classifier: `[batch, features, 1, 1]` or `[batch, features]` to `[batch, outputs]`.
    Linear {
        /// `[outputs, features]`.
        weight: TensorValue,
        /// `[outputs]`.
        bias: Vec<f32>,
    },
}
