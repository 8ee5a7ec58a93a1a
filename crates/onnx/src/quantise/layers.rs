//! Finds the layers of a graph that can be quantised, and the tensors that they read and write.

use std::collections::{BTreeSet, HashMap};

use crate::proto::{GraphProto, NodeProto};

/// A convolution or fully connected layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name of the node: timm's name; that of the product in a layer on tokens, whose bias is added
    /// apart.
    pub name: String,
    /// Input tensor.
    pub input: String,
    /// Output tensor. If a ReLU or ReLU6 is its only reader, that of the activation: integer
    /// kernels compute both in one step.
    pub output: String,
    /// Whether the layer always stays in floats: the first and the last, where errors start and
    /// end, and those that its network keeps there.
    pub stays_float: bool,
}

/// All tensors that `layers` read or write.
pub fn tensors_of<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> BTreeSet<&'a str> {
    layers.into_iter().flat_map(|layer| [layer.input.as_str(), layer.output.as_str()]).collect()
}

/// All layers with constant weights, in the order of the graph. Nodes named in `kept_in_float` stay
/// in floats.
pub fn quantisable_layers(graph: &GraphProto, kept_in_float: &BTreeSet<&str>) -> Vec<Layer> {
    let mut readers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
    for node in &graph.node {
        for input in &node.input {
            readers.entry(input.as_str()).or_default().push(node);
        }
    }
    let constants: BTreeSet<&str> =
        graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let is_layer = |node: &&NodeProto| {
        matches!(node.op_type.as_str(), "Conv" | "Gemm" | "MatMul")
            && node.input.get(1).is_some_and(|weight| constants.contains(weight.as_str()))
    };
    let layers: Vec<&NodeProto> = graph.node.iter().filter(is_layer).collect();
    let last = layers.len().saturating_sub(1);
    layers
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let own = node.output[0].as_str();
            let output = match readers.get(own).map(Vec::as_slice) {
                Some([next]) if matches!(next.op_type.as_str(), "Relu" | "Clip") => {
                    next.output[0].as_str()
                }
                _ => own,
            };
            let stays_float =
                place == 0 || place == last || kept_in_float.contains(node.name.as_str());
            Layer {
                name: node.name.clone(),
                input: node.input[0].clone(),
                output: output.into(),
                stays_float,
            }
        })
        .collect()
}
