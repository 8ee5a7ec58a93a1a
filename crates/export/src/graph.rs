//! Writes a network's description as an ONNX graph.

use std::f32::consts::SQRT_2;

use kennel_models::{Activation, GraphNode, GraphValue, NetworkGraph, Operation, TensorValue};
use kennel_onnx::ModelProto;
use kennel_onnx::builder::{self, Extent, GraphBuilder, float, int, ints};
use kennel_onnx::proto::ElementType;

/// The input: `[batch, 3, side, side]`, f32, RGB, normalised.
pub const INPUT: &str = "input";
/// The output: logits `[batch, classes]`, f32.
pub const OUTPUT: &str = "output";

/// Writes a network's description as a float graph. Layers and weights have timm's names.
///
/// # Panics
///
/// When the description has no node.
pub fn to_onnx(network: &NetworkGraph, name: &str, side_px: u32, classes: usize) -> ModelProto {
    let mut graph = GraphBuilder::new(name);
    let (batch, side) = (Extent::Named("batch"), Extent::Fixed(side_px as usize));
    graph.input(INPUT, ElementType::Float, &[batch, Extent::Fixed(3), side, side]);
    graph.output(OUTPUT, ElementType::Float, &[batch, Extent::Fixed(classes)]);
    let last = network.nodes.last().expect("a network does something");
    let value = |value: &GraphValue| match value {
        GraphValue::Pixels => INPUT.to_string(),
        GraphValue::Node(place) => network.nodes[*place].name.clone(),
    };
    for node in &network.nodes {
        let inputs: Vec<String> = node.inputs.iter().map(value).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        push(&mut graph, node, &inputs);
    }
    let mut graph = graph.finish();
    // Rename the last layer's output to the name that callers know.
    for step in &mut graph.node {
        step.output
            .iter_mut()
            .filter(|output| **output == last.name)
            .for_each(|output| *output = OUTPUT.into());
    }
    builder::model(graph)
}

fn push(graph: &mut GraphBuilder, node: &GraphNode, inputs: &[&str]) {
    let name = node.name.as_str();
    match &node.operation {
        Operation::Conv { weight, bias, stride, padding, groups } => {
            let kernel = weight.shape[2] as i64;
            let weight = graph.floats(&format!("{name}.weight"), &weight.shape, &weight.data);
            let bias = graph.floats(&format!("{name}.bias"), &[bias.len()], bias);
            let (stride, padding) = (*stride as i64, *padding as i64);
            let attributes = [
                ints("kernel_shape", &[kernel; 2]),
                ints("strides", &[stride; 2]),
                ints("pads", &[padding; 4]),
                int("group", *groups as i64),
            ];
            graph.node("Conv", name, &[inputs[0], &weight, &bias], attributes);
        }
        Operation::Activation(activation) => push_activation(graph, name, *activation, inputs[0]),
        Operation::MaxPool { kernel, stride, padding } => {
            let attributes = [
                ints("kernel_shape", &[*kernel as i64; 2]),
                ints("strides", &[*stride as i64; 2]),
                ints("pads", &[*padding as i64; 4]),
            ];
            graph.node("MaxPool", name, inputs, attributes);
        }
        Operation::AveragePool { side } => {
            let attributes = [
                ints("kernel_shape", &[*side as i64; 2]),
                ints("strides", &[*side as i64; 2]),
                // Keep a window that hangs over the edge, and average only the values inside the
                // map.
                int("ceil_mode", 1),
                int("count_include_pad", 0),
            ];
            graph.node("AveragePool", name, inputs, attributes);
        }
        Operation::GlobalAveragePool => {
            graph.node("GlobalAveragePool", name, inputs, []);
        }
        Operation::Add => {
            graph.node("Add", name, inputs, []);
        }
        Operation::ScaleChannels => {
            graph.node("Mul", name, inputs, []);
        }
        // Reshape copies the extents given as 0 from its input.
        Operation::ToTokens => {
            let shape = graph.ints(&format!("{name}.shape"), &[0, 0, -1]);
            let pixels = graph.node("Reshape", &format!("{name}.pixels"), &[inputs[0], &shape], []);
            graph.node("Transpose", name, &[&pixels], [ints("perm", &[0, 2, 1])]);
        }
        Operation::LinearOnTokens { weight, bias } => {
            let (shape, values) = transposed(weight);
            let weight = graph.floats(&format!("{name}.weight"), &shape, &values);
            let bias = graph.floats(&format!("{name}.bias"), &[bias.len()], bias);
            let product =
                graph.node("MatMul", &format!("{name}.product"), &[inputs[0], &weight], []);
            graph.node("Add", name, &[&product, &bias], []);
        }
        Operation::LayerNorm { weight, bias, eps } => {
            let weight = graph.floats(&format!("{name}.weight"), &[weight.len()], weight);
            let bias = graph.floats(&format!("{name}.bias"), &[bias.len()], bias);
            let attributes = [int("axis", -1), float("epsilon", *eps as f32)];
            graph.node("LayerNormalization", name, &[inputs[0], &weight, &bias], attributes);
        }
        Operation::PrependToken { token } => {
            let token = graph.floats(&format!("{name}.token"), &[1, 1, token.len()], token);
            // Expands the token to `[batch, 1, channels]`.
            let range = [int("start", 0), int("end", 1)];
            let batch = graph.node("Shape", &format!("{name}.batch"), &[inputs[0]], range);
            let ones = graph.ints(&format!("{name}.ones"), &[1, 1]);
            let shape =
                graph.node("Concat", &format!("{name}.shape"), &[&batch, &ones], [int("axis", 0)]);
            let tokens = graph.node("Expand", &format!("{name}.tokens"), &[&token, &shape], []);
            graph.node("Concat", name, &[&tokens, inputs[0]], [int("axis", 1)]);
        }
        Operation::AddEmbedding { embedding } => {
            let values =
                graph.floats(&format!("{name}.embedding"), &embedding.shape, &embedding.data);
            graph.node("Add", name, &[inputs[0], &values], []);
        }
        Operation::MeanToken => {
            let axes = graph.ints(&format!("{name}.axes"), &[1]);
            graph.node("ReduceMean", name, &[inputs[0], &axes], [int("keepdims", 0)]);
        }
        Operation::FirstToken => {
            let first = graph.int(&format!("{name}.index"), 0);
            graph.node("Gather", name, &[inputs[0], &first], [int("axis", 1)]);
        }
        Operation::Linear { weight, bias } => {
            let features =
                graph.node("Flatten", &format!("{name}.features"), inputs, [int("axis", 1)]);
            let weight = graph.floats(&format!("{name}.weight"), &weight.shape, &weight.data);
            let bias = graph.floats(&format!("{name}.bias"), &[bias.len()], bias);
            graph.node("Gemm", name, &[&features, &weight, &bias], [int("transB", 1)]);
        }
    }
}

/// `[outputs, features]` to `[features, outputs]`, as `MatMul` takes weights.
fn transposed(weight: &TensorValue) -> ([usize; 2], Vec<f32>) {
    let (outputs, features) = (weight.shape[0], weight.shape[1]);
    let value = |place: usize| weight.data[place % outputs * features + place / outputs];
    ([features, outputs], (0..outputs * features).map(value).collect())
}

fn push_activation(graph: &mut GraphBuilder, name: &str, activation: Activation, input: &str) {
    match activation {
        Activation::Identity => graph.node("Identity", name, &[input], []),
        Activation::Relu => graph.node("Relu", name, &[input], []),
        Activation::Relu6 => {
            let low = graph.floats(&format!("{name}.min"), &[], &[0.0]);
            let high = graph.floats(&format!("{name}.max"), &[], &[6.0]);
            graph.node("Clip", name, &[input, &low, &high], [])
        }
        // SiLU has no operator of its own before opset 24.
        Activation::Silu => {
            let gate = graph.node("Sigmoid", &format!("{name}.sigmoid"), &[input], []);
            graph.node("Mul", name, &[input, &gate], [])
        }
        Activation::HardSwish => graph.node("HardSwish", name, &[input], []),
        Activation::Sigmoid => graph.node("Sigmoid", name, &[input], []),
        Activation::HardSigmoid => {
            let slope = [float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            graph.node("HardSigmoid", name, &[input], slope)
        }
        // GELU has no operator of its own before opset 20. `x (1 + erf(x / sqrt 2)) / 2`.
        Activation::Gelu => {
            let root = graph.floats(&format!("{name}.root"), &[], &[SQRT_2]);
            let scaled = graph.node("Div", &format!("{name}.scaled"), &[input, &root], []);
            let erf = graph.node("Erf", &format!("{name}.erf"), &[&scaled], []);
            push_half_of_product(graph, name, input, &erf)
        }
        // `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
        Activation::GeluTanh => {
            let cubic = graph.floats(&format!("{name}.cubic"), &[], &[0.044_715]);
            let scale = graph.floats(&format!("{name}.scale"), &[], &[0.797_884_6]);
            let square = graph.node("Mul", &format!("{name}.square"), &[input, input], []);
            let cube = graph.node("Mul", &format!("{name}.cube"), &[input, &square], []);
            let term = graph.node("Mul", &format!("{name}.term"), &[&cube, &cubic], []);
            let sum = graph.node("Add", &format!("{name}.sum"), &[input, &term], []);
            let scaled = graph.node("Mul", &format!("{name}.scaled"), &[&sum, &scale], []);
            let tanh = graph.node("Tanh", &format!("{name}.tanh"), &[&scaled], []);
            push_half_of_product(graph, name, input, &tanh)
        }
    };
}

/// `input (1 + gate) / 2`.
fn push_half_of_product(graph: &mut GraphBuilder, name: &str, input: &str, gate: &str) -> String {
    let one = graph.floats(&format!("{name}.one"), &[], &[1.0]);
    let half = graph.floats(&format!("{name}.half"), &[], &[0.5]);
    let gate = graph.node("Add", &format!("{name}.gate"), &[gate, &one], []);
    let product = graph.node("Mul", &format!("{name}.product"), &[input, &gate], []);
    graph.node("Mul", name, &[&product, &half], [])
}
