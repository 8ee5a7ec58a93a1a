//! The output of a file that tells unknown photos.

use std::collections::HashSet;

use kennel_models::{GraphValue, NetworkGraph, Value};
use kennel_onnx::builder::{Extent, GraphBuilder};
use kennel_onnx::{LateOutput, ModelProto, UnknownGraph, with_unknown_score};
use kennel_unknown::{Gaussian, Unknown};

use crate::Result;
use crate::averaged::prefixed;
use crate::graph::to_onnx;

/// Returns the tensors of the graph that tell unknown photos.
pub fn late_outputs(described: &NetworkGraph) -> Vec<LateOutput> {
    let name = |value: &GraphValue| match value {
        GraphValue::Pixels => crate::INPUT.to_string(),
        GraphValue::Node(place) => described.nodes[*place].name.clone(),
    };
    let output = |value: &Value<GraphValue, GraphValue>| match value {
        Value::Map(map) => LateOutput::Map(name(map)),
        Value::Tokens(tokens) => LateOutput::Tokens(name(tokens)),
    };
    described.late.iter().map(output).collect()
}

/// Adds another network to a graph, from the same pixels to the tensors that tell unknown photos,
/// and returns these. Its nodes and weights are named `known.` and their own name, and are 32-bit
/// floats in every file.
///
/// # Panics
///
/// When the model has no graph.
pub fn with_trunk(
    mut model: ModelProto,
    trunk: &NetworkGraph,
    side_px: u32,
) -> (ModelProto, Vec<LateOutput>) {
    let under = |name: &str| format!("known.{name}");
    let named = |output| match output {
        LateOutput::Map(name) => LateOutput::Map(under(&name)),
        LateOutput::Tokens(name) => LateOutput::Tokens(under(&name)),
    };
    let late: Vec<LateOutput> = late_outputs(trunk).into_iter().map(named).collect();
    let built = to_onnx(trunk, "known", side_px, 1).graph.expect("a built model has a graph");
    let mut built = prefixed(built, &under);
    // What comes after the late outputs is not needed.
    let mut needed: HashSet<String> = late.iter().map(|output| output.name().to_string()).collect();
    let mut nodes: Vec<_> = Vec::new();
    for node in built.node.drain(..).rev() {
        if node.output.iter().any(|output| needed.contains(output)) {
            needed.extend(node.input.iter().cloned());
            nodes.push(node);
        }
    }
    nodes.reverse();
    let mut graph = GraphBuilder::from_graph(model.graph.take().expect("a model has a graph"));
    graph.append(nodes);
    for tensor in built.initializer.drain(..).filter(|tensor| needed.contains(&tensor.name)) {
        graph.constant(tensor);
    }
    model.graph = Some(graph.finish());
    (model, late)
}

/// Adds the output to a graph that takes pixels, or one photo. `is_doubled`: the late outputs have
/// rows of mirror images after those of the photos.
///
/// # Errors
///
/// Those of [`with_unknown_score`].
pub fn with_unknown(
    model: &ModelProto,
    late: &[LateOutput],
    unknown: &Unknown,
    photo_input: bool,
    is_doubled: bool,
) -> Result<ModelProto> {
    let Gaussian { mean, axes, variances, rest } = &unknown.known;
    let gaussian = UnknownGraph { mean, axes, variances, rest: *rest, is_doubled };
    let batch = if photo_input { Extent::Fixed(1) } else { Extent::Named("batch") };
    Ok(with_unknown_score(model, late, gaussian, batch)?)
}
