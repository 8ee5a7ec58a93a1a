//! The operations of the zoo, recorded as a graph in evaluation mode.

use std::collections::HashMap;

use burn::module::{Param, ParamId};
use burn::tensor::Tensor;
use kennel_kernels::Activation;

use crate::TensorValue;
use crate::graph::{GraphNode, GraphValue, NetworkGraph, Operation};
use crate::layers::{BatchNorm2d, Conv2d, DropPath, LayerNorm, Linear, Ops};
use crate::value::ValueOf;

/// Records each operation as a node.
pub(crate) struct Describer {
    names: HashMap<ParamId, String>,
    nodes: Vec<GraphNode>,
    /// Name of the last layer with weights.
    last: String,
}

impl Describer {
    /// Starts an empty graph of a network whose tensors have these names.
    pub fn new(names: Vec<(ParamId, String)>) -> Self {
        Self { names: names.into_iter().collect(), nodes: Vec::new(), last: String::new() }
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

    fn linear(&mut self, linear: &Linear, x: GraphValue) -> GraphValue {
        let weight = TensorValue::of(linear.weight.val());
        let bias = TensorValue::of(linear.bias.val()).data;
        self.push_layer(linear.weight.id, Operation::LinearOnTokens { weight, bias }, x)
    }

    fn layer_norm(&mut self, norm: &LayerNorm, x: GraphValue) -> GraphValue {
        let [weight, bias] =
            [&norm.weight, &norm.bias].map(|values| TensorValue::of(values.val()).data);
        self.push_layer(norm.weight.id, Operation::LayerNorm { weight, bias, eps: norm.eps }, x)
    }

    fn activate_tokens(&mut self, x: GraphValue, activation: Activation) -> GraphValue {
        self.activate(x, activation)
    }

    fn add_tokens(&mut self, branch: GraphValue, _: &DropPath, shortcut: GraphValue) -> GraphValue {
        self.push_after("add", Operation::Add, vec![branch, shortcut])
    }

    fn prepend_token(&mut self, token: &Param<Tensor<3>>, x: GraphValue) -> GraphValue {
        let operation = Operation::PrependToken { token: TensorValue::of(token.val()).data };
        self.push_layer(token.id, operation, x)
    }

    fn add_embedding(&mut self, embedding: &Param<Tensor<3>>, x: GraphValue) -> GraphValue {
        let operation = Operation::AddEmbedding { embedding: TensorValue::of(embedding.val()) };
        self.push_layer(embedding.id, operation, x)
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
