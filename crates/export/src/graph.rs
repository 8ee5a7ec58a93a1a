//! Writes a network's description as an ONNX graph.

use kennel_models::{
    Activation, GraphNode, GraphValue, NetworkGraph, Operation, Padding, TensorValue,
};
use kennel_onnx::ModelProto;
use kennel_onnx::builder::{self, Extent, GraphBuilder, float, int, ints, string};
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
            let attributes = [
                ints("kernel_shape", &[kernel; 2]),
                ints("strides", &[*stride as i64; 2]),
                match padding {
                    Padding::Sides(zeros) => ints("pads", &[*zeros as i64; 4]),
                    Padding::Same => string("auto_pad", "SAME_UPPER"),
                },
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
        Operation::ToMap => {
            let rows = graph.node(
                "Transpose",
                &format!("{name}.rows"),
                &[inputs[0]],
                [ints("perm", &[0, 2, 1])],
            );
            let shape = graph.node("Shape", &format!("{name}.shape"), &[inputs[1]], []);
            graph.node("Reshape", name, &[&rows, &shape], []);
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
        Operation::ScaleTokens { scale } => {
            let scale = graph.floats(&format!("{name}.factors"), &[scale.len()], scale);
            graph.node("Mul", name, &[inputs[0], &scale], []);
        }
        Operation::Attention { heads, channels } => {
            push_attention(graph, name, inputs[0], [*heads, channels / heads]);
        }
        Operation::ResponseNorm { weight, bias } => {
            push_response_norm(graph, name, inputs[0], weight, bias);
        }
        Operation::PrependTokens { tokens } => {
            let learned = graph.floats(&format!("{name}.learned"), &tokens.shape, &tokens.data);
            // Expands the tokens to `[batch, count, channels]`.
            let range = [int("start", 0), int("end", 1)];
            let batch = graph.node("Shape", &format!("{name}.batch"), &[inputs[0]], range);
            let ones = graph.ints(&format!("{name}.ones"), &[1, 1]);
            let shape =
                graph.node("Concat", &format!("{name}.shape"), &[&batch, &ones], [int("axis", 0)]);
            let tokens = graph.node("Expand", &format!("{name}.tokens"), &[&learned, &shape], []);
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
        // Gelu is an operator from opset 20 on.
        Activation::Gelu => {
            let root = graph.floats(&format!("{name}.sqrt2"), &[], &[std::f32::consts::SQRT_2]);
            let scaled = graph.node("Div", &format!("{name}.scaled"), &[input, &root], []);
            let erf = graph.node("Erf", &format!("{name}.erf"), &[&scaled], []);
            half_of_one_plus(graph, name, input, &erf)
        }
        Activation::GeluTanh => {
            let three = graph.floats(&format!("{name}.three"), &[], &[3.0]);
            let cube = graph.node("Pow", &format!("{name}.cube"), &[input, &three], []);
            let part = graph.floats(&format!("{name}.part"), &[], &[0.044715]);
            let part = graph.node("Mul", &format!("{name}.of_cube"), &[&cube, &part], []);
            let sum = graph.node("Add", &format!("{name}.sum"), &[input, &part], []);
            let root = (2.0 / std::f32::consts::PI).sqrt();
            let root = graph.floats(&format!("{name}.root"), &[], &[root]);
            let scaled = graph.node("Mul", &format!("{name}.scaled"), &[&sum, &root], []);
            let tanh = graph.node("Tanh", &format!("{name}.tanh"), &[&scaled], []);
            half_of_one_plus(graph, name, input, &tanh)
        }
    };
}

/// `input * (1 + y) / 2`, the end of both forms of GELU.
fn half_of_one_plus(graph: &mut GraphBuilder, name: &str, input: &str, y: &str) -> String {
    let one = graph.floats(&format!("{name}.one"), &[], &[1.0]);
    let half = graph.floats(&format!("{name}.half"), &[], &[0.5]);
    let more = graph.node("Add", &format!("{name}.plus_one"), &[y, &one], []);
    let twice = graph.node("Mul", &format!("{name}.twice"), &[input, &more], []);
    graph.node("Mul", name, &[&twice, &half], [])
}

/// Splits `[batch, tokens, 3 * heads * size]` into queries, keys and values by head, and mixes the
/// values. Reshape copies the extents given as 0 from its input.
fn push_attention(graph: &mut GraphBuilder, name: &str, qkv: &str, [heads, size]: [usize; 2]) {
    let (count, extent) = (heads as i64, size as i64);
    let shape = graph.ints(&format!("{name}.by_head"), &[0, 0, 3, count, extent]);
    let parts = graph.node("Reshape", &format!("{name}.parts"), &[qkv, &shape], []);
    let mut part = |place: i64, what: &str, perm: &[i64]| {
        let index = graph.int(&format!("{name}.{what}.index"), place);
        let one = graph.node(
            "Gather",
            &format!("{name}.{what}.tokens"),
            &[&parts, &index],
            [int("axis", 2)],
        );
        graph.node("Transpose", &format!("{name}.{what}"), &[&one], [ints("perm", perm)])
    };
    let queries = part(0, "queries", &[0, 2, 1, 3]);
    let keys = part(1, "keys", &[0, 2, 3, 1]);
    let values = part(2, "values", &[0, 2, 1, 3]);
    let scale = graph.floats(&format!("{name}.scale"), &[], &[(size as f32).powf(-0.5)]);
    let queries = graph.node("Mul", &format!("{name}.scaled"), &[&queries, &scale], []);
    let scores = graph.node("MatMul", &format!("{name}.scores"), &[&queries, &keys], []);
    let weights = graph.node("Softmax", &format!("{name}.weights"), &[&scores], [int("axis", -1)]);
    let mixed = graph.node("MatMul", &format!("{name}.mixed"), &[&weights, &values], []);
    let perm = [ints("perm", &[0, 2, 1, 3])];
    let mixed = graph.node("Transpose", &format!("{name}.by_token"), &[&mixed], perm);
    let shape = graph.ints(&format!("{name}.shape"), &[0, 0, count * extent]);
    graph.node("Reshape", name, &[&mixed, &shape], []);
}

fn push_response_norm(graph: &mut GraphBuilder, name: &str, x: &str, weight: &[f32], bias: &[f32]) {
    let mean = |graph: &mut GraphBuilder, operator: &str, what: &str, x: &str, axis: i64| {
        let axes = graph.ints(&format!("{name}.{what}.axes"), &[axis]);
        graph.node(operator, &format!("{name}.{what}"), &[x, &axes], [int("keepdims", 1)])
    };
    let norms = mean(graph, "ReduceL2", "norms", x, 1);
    let average = mean(graph, "ReduceMean", "average", &norms, 2);
    let eps = graph.floats(&format!("{name}.eps"), &[], &[1e-6]);
    let average = graph.node("Add", &format!("{name}.nonzero"), &[&average, &eps], []);
    let relative = graph.node("Div", &format!("{name}.relative"), &[&norms, &average], []);
    let weight = graph.floats(&format!("{name}.weight"), &[weight.len()], weight);
    let bias = graph.floats(&format!("{name}.bias"), &[bias.len()], bias);
    let factors = graph.node("Mul", &format!("{name}.factors"), &[&relative, &weight], []);
    let scaled = graph.node("Mul", &format!("{name}.scaled"), &[x, &factors], []);
    let shifted = graph.node("Add", &format!("{name}.shifted"), &[&scaled, &bias], []);
    graph.node("Add", name, &[x, &shifted], []);
}
