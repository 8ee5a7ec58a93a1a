//! Describes a network as a graph, for export to other formats: operations in order, with their
//! weights. Normalisation is folded into the convolutions; dropout is omitted.

use std::collections::HashMap;

use burn::module::ParamId;
use kennel_kernels::Activation;

use crate::layers::{BatchNorm2d, Conv2d, DropPath, Ops};
use crate::state_dict::names_by_id;
use crate::{Network, TensorValue};

/// A network in evaluation mode, from pixels `[batch, 3, side, side]` to logits `[batch, classes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkGraph {
    /// Nodes in the order of computation. The output of the last one is the logits.
    pub nodes: Vec<GraphNode>,
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
        /// Zeros on every side.
        padding: usize,
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
    /// `[batch, features, 1, 1]` to `[batch, outputs]`.
    Linear {
        /// `[outputs, features]`.
        weight: TensorValue,
        /// `[outputs]`.
        bias: Vec<f32>,
    },
}

/// Describes `network` in evaluation mode.
///
/// # Panics
///
/// When a normalisation is in training mode. Call [`burn::module::Module::valid`] first.
pub fn describe(network: &Network) -> NetworkGraph {
    let names = names_by_id(network).into_iter().collect();
    let mut describer = Describer { names, nodes: Vec::new(), last: String::new() };
    let pooled = network.pass_trunk(&mut describer, GraphValue::Pixels);
    let classifier = network.classifier();
    let weight = TensorValue::of(classifier.weight.val());
    let bias = TensorValue::of(classifier.bias.val()).data;
    let name = describer.layer_name(classifier.weight.id);
    describer.push(name, Operation::Linear { weight, bias }, vec![pooled]);
    NetworkGraph { nodes: describer.nodes }
}

struct Describer {
    names: HashMap<ParamId, String>,
    nodes: Vec<GraphNode>,
    /// Name of the last convolution.
    last: String,
}

impl Describer {
    fn push(&mut self, name: String, operation: Operation, inputs: Vec<GraphValue>) -> GraphValue {
        self.nodes.push(GraphNode { name, operation, inputs });
        GraphValue::Node(self.nodes.len() - 1)
    }

    /// Adds an operation without weights, named after the layer before it.
    fn push_after(&mut self, what: &str, operation: Operation, inputs: Vec<GraphValue>) -> GraphValue {
        let name = format!("{}.{what}", self.last);
        self.push(name, operation, inputs)
    }

    /// Returns timm's name of the layer with this weight.
    fn layer_name(&self, weight: ParamId) -> String {
        self.names[&weight].trim_end_matches(".weight").to_string()
    }

    fn push_conv(
        &mut self,
        conv: &Conv2d,
        weight: TensorValue,
        bias: Vec<f32>,
        input: GraphValue,
    ) -> GraphValue {
        assert_eq!(conv.spec.dilation, 1, "the zoo has no dilated convolution");
        let name = self.layer_name(conv.weight.id);
        self.last.clone_from(&name);
        let (stride, padding, groups) = (conv.spec.stride, conv.spec.padding, conv.spec.groups);
        self.push(name, Operation::Conv { weight, bias, stride, padding, groups }, vec![input])
    }
}

impl Ops for Describer {
    type Value = GraphValue;

    fn conv(&mut self, conv: &Conv2d, x: GraphValue) -> GraphValue {
        let weight = TensorValue::of(conv.weight.val());
        let bias = match &conv.bias {
            Some(bias) => TensorValue::of(bias.val()).data,
            None => vec![0.0; weight.shape[0]],
        };
        self.push_conv(conv, weight, bias, x)
    }

    fn conv_norm(&mut self, conv: &Conv2d, norm: &BatchNorm2d, x: GraphValue) -> GraphValue {
        let (weight, bias) = folded(conv, norm);
        let y = self.push_conv(conv, weight, bias, x);
        self.activate(y, norm.activation())
    }

    fn conv_norm_add(
        &mut self,
        (conv, norm, _): (&Conv2d, &BatchNorm2d, &DropPath),
        x: GraphValue,
        shortcut: GraphValue,
        activation: Activation,
    ) -> GraphValue {
        let branch = self.conv_norm(conv, norm, x);
        let sum = self.push_after("add", Operation::Add, vec![branch, shortcut]);
        self.activate(sum, activation)
    }

    fn activate(&mut self, x: GraphValue, activation: Activation) -> GraphValue {
        let name = match activation {
            Activation::Identity => return x,
            Activation::Relu => "relu",
            Activation::Relu6 => "relu6",
            Activation::Silu => "silu",
            Activation::HardSwish => "hard_swish",
            Activation::Sigmoid => "sigmoid",
            Activation::HardSigmoid => "hard_sigmoid",
        };
        self.push_after(name, Operation::Activation(activation), vec![x])
    }

    fn max_pool(&mut self, x: GraphValue, kernel: usize, stride: usize, padding: usize) -> GraphValue {
        self.push_after("max_pool", Operation::MaxPool { kernel, stride, padding }, vec![x])
    }

    fn avg_pool(&mut self, x: GraphValue, side: usize) -> GraphValue {
        self.push_after("avg_pool2d", Operation::AveragePool { side }, vec![x])
    }

    fn global_avg_pool(&mut self, x: GraphValue) -> GraphValue {
        self.push_after("avg_pool", Operation::GlobalAveragePool, vec![x])
    }

    fn scale_channels(&mut self, x: GraphValue, factors: GraphValue) -> GraphValue {
        self.push_after("scale", Operation::ScaleChannels, vec![x, factors])
    }
}

/// Folds the following normalisation into a convolution's weights and bias. Computes in f64 and
/// rounds to f32 at the end.
fn folded(conv: &Conv2d, norm: &BatchNorm2d) -> (TensorValue, Vec<f32>) {
    let constants = norm.constants().expect("a network is described in evaluation mode");
    let [scale, shift, mean, variance] =
        [constants.weight, constants.bias, constants.mean, constants.variance]
            .map(|v| TensorValue::of(v).data);
    let mut weight = TensorValue::of(conv.weight.val());
    let outputs = weight.shape[0];
    let conv_bias =
        conv.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| TensorValue::of(bias.val()).data);
    let per_output = weight.data.len() / outputs;
    let mut bias = Vec::with_capacity(outputs);
    for (index, weights) in weight.data.chunks_exact_mut(per_output).enumerate() {
        let factor = f64::from(scale[index]) / (f64::from(variance[index]) + constants.eps).sqrt();
        for w in weights {
            *w = (f64::from(*w) * factor) as f32;
        }
        let centred = f64::from(conv_bias[index]) - f64::from(mean[index]);
        bias.push((f64::from(shift[index]) + centred * factor) as f32);
    }
    (weight, bias)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::tensor::Device;

    use super::*;
    use crate::{RegularizationRates, architectures, state_dict};

    #[test]
    fn every_network_is_described_whole_and_each_name_stands_once() {
        for architecture in architectures() {
            let network = Network::new(architecture, 7, RegularizationRates::default(), &Device::flex());
            let graph = describe(&network);
            let names: BTreeSet<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names.len(), graph.nodes.len(), "{}", architecture.name);
            // Every weight except the normalisations' own is in the graph, under its layer.
            for (name, value) in state_dict(&network) {
                if value.shape.len() < 2 {
                    continue;
                }
                let layer = name.trim_end_matches(".weight");
                let node = graph.nodes.iter().find(|node| node.name == layer).expect(layer);
                let (Operation::Conv { weight, .. } | Operation::Linear { weight, .. }) = &node.operation
                else {
                    panic!("{layer} has no weights")
                };
                assert_eq!(weight.shape, value.shape, "{layer}");
            }
            for (place, node) in graph.nodes.iter().enumerate() {
                for input in &node.inputs {
                    assert!(
                        *input == GraphValue::Pixels || matches!(input, GraphValue::Node(i) if *i < place)
                    );
                }
            }
        }
    }
}
