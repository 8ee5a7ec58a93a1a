//! The operations of the zoo, recorded as a graph in evaluation mode.

use std::collections::HashMap;

use burn::module::{Param, ParamId};
use burn::tensor::Tensor;
use kennel_kernels::Activation;

use crate::TensorValue;
use crate::graph::{GraphNode, GraphValue, NetworkGraph, Operation};
use crate::layers::{
    Affine, BatchNorm2d, Conv2d, DropPath, GlobalResponseNorm, LayerNorm, Linear, Ops, Position,
};
use crate::value::ValueOf;

/// Records each operation as a node.
pub(crate) struct Describer {
    names: HashMap<ParamId, String>,
    nodes: Vec<GraphNode>,
    /// Side of the photos in pixels.
    side_px: usize,
    /// Name of the last layer with weights.
    last: String,
}

impl Describer {
    /// Starts an empty graph of a network whose tensors have these names, for photos of `side_px`.
    pub fn new(names: Vec<(ParamId, String)>, side_px: usize) -> Self {
        let names = names.into_iter().collect();
        Self { names, nodes: Vec::new(), side_px, last: String::new() }
    }

    /// Adds the classifier and returns the graph.
    pub fn finish(
        mut self,
        classifier: &Linear,
        features: GraphValue,
        late: Vec<ValueOf<Self>>,
    ) -> NetworkGraph {
        let weight = TensorValue::of(classifier.weight.val());
        let bias = TensorValue::of(classifier.bias.val()).data;
        self.push_layer(classifier.weight.id, Operation::Linear { weight, bias }, features);
        NetworkGraph { nodes: self.nodes, late }
    }

    fn push(&mut self, name: String, operation: Operation, inputs: Vec<GraphValue>) -> GraphValue {
        self.nodes.push(GraphNode { name, operation, inputs, kept_in_float: false });
        GraphValue::Node(self.nodes.len() - 1)
    }

    /// Adds an operation without weights, named after the layer before it.
    fn push_after(
        &mut self,
        what: &str,
        operation: Operation,
        inputs: Vec<GraphValue>,
    ) -> GraphValue {
        let name = format!("{}.{what}", self.last);
        self.push(name, operation, inputs)
    }

    /// Adds a layer, named after its weight.
    fn push_layer(
        &mut self,
        weight: ParamId,
        operation: Operation,
        input: GraphValue,
    ) -> GraphValue {
        let name = self.names[&weight].trim_end_matches(".weight").to_string();
        self.last.clone_from(&name);
        self.push(name, operation, vec![input])
    }

    fn push_conv(
        &mut self,
        conv: &Conv2d,
        weight: TensorValue,
        bias: Vec<f32>,
        input: GraphValue,
    ) -> GraphValue {
        assert_eq!(conv.spec.dilation, 1, "the zoo has no dilated convolution");
        let (stride, padding, groups) = (conv.spec.stride, conv.spec.padding, conv.spec.groups);
        let convolution = Operation::Conv { weight, bias, stride, padding, groups };
        let output = self.push_layer(conv.weight.id, convolution, input);
        if let Some(node) = self.nodes.last_mut() {
            node.kept_in_float = conv.kept_in_float;
        }
        output
    }
}

impl Ops for Describer {
    type Map = GraphValue;
    type Tokens = GraphValue;

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

    fn add(&mut self, branch: GraphValue, _: &DropPath, shortcut: GraphValue) -> GraphValue {
        self.push_after("add", Operation::Add, vec![branch, shortcut])
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
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu_tanh",
        };
        self.push_after(name, Operation::Activation(activation), vec![x])
    }

    fn max_pool(
        &mut self,
        x: GraphValue,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> GraphValue {
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

    fn to_tokens(&mut self, x: GraphValue) -> GraphValue {
        self.push_after("tokens", Operation::ToTokens, vec![x])
    }

    fn to_map(&mut self, x: GraphValue, like: &GraphValue) -> GraphValue {
        self.push_after("map", Operation::ToMap, vec![x, *like])
    }

    fn linear(&mut self, linear: &dyn Affine, x: GraphValue, activation: Activation) -> GraphValue {
        let weight = TensorValue::of(linear.matrix());
        let bias = TensorValue::of(linear.shift()).data;
        let y = self.push_layer(linear.matrix_id(), Operation::LinearOnTokens { weight, bias }, x);
        self.activate(y, activation)
    }

    fn linear_add(
        &mut self,
        (linear, scale, _): (&dyn Affine, Option<&Param<Tensor<1>>>, &DropPath),
        x: GraphValue,
        shortcut: GraphValue,
    ) -> GraphValue {
        let mut branch = self.linear(linear, x, Activation::Identity);
        // An attention returns means over tokens. What tells photos apart in them is small beside
        // their range, and 8 bits lose it.
        let is_of_attention =
            |node: &GraphNode| matches!(node.operation, Operation::Attention { .. });
        if let (GraphValue::Node(layer), GraphValue::Node(input)) = (branch, x) {
            self.nodes[layer].kept_in_float = is_of_attention(&self.nodes[input]);
        }
        if let Some(scale) = scale {
            let scale = TensorValue::of(scale.val()).data;
            branch = self.push_after("scale", Operation::ScaleTokens { scale }, vec![branch]);
        }
        self.push_after("add", Operation::Add, vec![branch, shortcut])
    }

    fn attention(&mut self, qkv: GraphValue, heads: usize) -> GraphValue {
        let GraphValue::Node(layer) = qkv else { panic!("pixels have no queries") };
        let Operation::LinearOnTokens { bias, .. } = &self.nodes[layer].operation else {
            panic!("queries, keys and values come from one layer")
        };
        let channels = bias.len() / 3;
        self.push_after("attention", Operation::Attention { heads, channels }, vec![qkv])
    }

    fn response_norm(&mut self, norm: &GlobalResponseNorm, x: GraphValue) -> GraphValue {
        let [weight, bias] =
            [&norm.weight, &norm.bias].map(|values| TensorValue::of(values.val()).data);
        self.push_layer(norm.weight.id, Operation::ResponseNorm { weight, bias }, x)
    }

    fn layer_norm(&mut self, norm: &LayerNorm, x: GraphValue) -> GraphValue {
        let [weight, bias] =
            [&norm.weight, &norm.bias].map(|values| TensorValue::of(values.val()).data);
        self.push_layer(norm.weight.id, Operation::LayerNorm { weight, bias, eps: norm.eps }, x)
    }

    fn prepend_tokens(&mut self, tokens: &Param<Tensor<3>>, x: GraphValue) -> GraphValue {
        let operation = Operation::PrependTokens { tokens: TensorValue::of(tokens.val()) };
        self.push_layer(tokens.id, operation, x)
    }

    fn add_position(&mut self, position: Position, x: GraphValue) -> GraphValue {
        let embedding = position.on_grid(self.side_px / position.patch_px);
        let embedding = TensorValue::of(embedding);
        self.push_layer(position.embedding.id, Operation::AddEmbedding { embedding }, x)
    }

    fn mean_token(&mut self, x: GraphValue) -> GraphValue {
        self.push_after("avg_pool", Operation::MeanToken, vec![x])
    }

    fn first_token(&mut self, x: GraphValue) -> GraphValue {
        self.push_after("first_token", Operation::FirstToken, vec![x])
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
    let conv_bias = conv
        .bias
        .as_ref()
        .map_or_else(|| vec![0.0; outputs], |bias| TensorValue::of(bias.val()).data);
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
